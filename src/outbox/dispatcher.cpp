#include "outbox/dispatcher.h"

#include <algorithm>
#include <exception>

#include "base/secret.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::outbox {
namespace {

// What a person waits for; one worker takes nothing else, so that pushes do not stand behind jobs
// that wait for the budget.
constexpr Lane kPeople = Lane::kSite;

// The longest an idle worker sleeps: what another process adds is announced through the store, this
// only bounds how long a missed announcement can matter.
constexpr Milliseconds kIdle{1000};

// The same where only some jobs are to be run: what keeps one of them may end without a word.
constexpr Milliseconds kIdleWithChosen{100};

// After a job that was due and that another worker claimed first.
constexpr Milliseconds kTakenByOther{1};

// From one look at the queue that found nothing to the next. Each webhook announces a job, and in a
// flood looking at each announcement would cost as much as the webhooks do.
constexpr Milliseconds kPause{10};
constexpr Milliseconds kPeoplePause{1};

// Jobs that wait for their next try go along with one whose turn has come: what kept them was the
// same for all.
constexpr std::chrono::hours kTakeAlong{1};

void countEnded(const Job& job) {
  ops::counter("membergate_outbox_jobs_total", "Jobs that ended, by kind and how.",
               {{"kind", job.kind}, {"state", std::string(toString(job.state))}})
      .add();
}

// Nobody took the job over since it was claimed, and nobody ended it.
bool isOurs(store::Reader& reader, const Job& job) {
  const auto stored = reader.findJob(job.id);
  return stored && stored->state == JobState::kRunning && stored->leaseUntil == job.leaseUntil;
}

// A handler that is called again goes on from what it stored. What it changed since then was not
// committed with its effects, so it must not get into the row on its own.
void keepStored(store::Reader& reader, Job& job) {
  const auto stored = reader.findJob(job.id);
  if (!stored) return;
  job.payload = stored->payload;
  job.sealed = stored->sealed;
}

void report(const std::vector<Job>& jobs) {
  const Job* waits = nullptr;
  std::size_t waiting = 0;
  for (const Job& job : jobs) {
    if (!isOpen(job.state)) countEnded(job);
    if (job.state == JobState::kDead) {
      ops::logError("job_dead", {{"job_id", job.id}, {"kind", job.kind}, {"reason", job.reason}});
    }
    if (job.state != JobState::kQueued) continue;
    if (waits == nullptr) waits = &job;
    ++waiting;
  }
  if (waits == nullptr) return;
  ops::logInfo("job_waits", {{"job_id", waits->id},
                             {"kind", waits->kind},
                             {"jobs", waiting},
                             {"attempts", waits->attempts},
                             {"reason", waits->reason}});
}

}  // namespace

Verdict Verdict::done(std::string result, Effects effects) {
  Verdict verdict;
  verdict.result = std::move(result);
  verdict.effects = std::move(effects);
  return verdict;
}

Verdict Verdict::refused(std::string result, std::string reason, Effects effects) {
  Verdict verdict = done(std::move(result), std::move(effects));
  verdict.kind = Kind::kRefused;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict Verdict::dead(std::string reason) {
  Verdict verdict;
  verdict.kind = Kind::kDead;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict Verdict::retry(const Error& error) {
  Verdict verdict;
  verdict.kind = Kind::kRetry;
  verdict.reason = std::string(toString(error.code)) + ": " + error.detail;
  verdict.retryAfter = error.retryAfter;
  if (error.code == Code::kBusy && !verdict.retryAfter) verdict.retryAfter = Milliseconds{500};
  return verdict;
}

Dispatcher::Dispatcher(store::Store& store, const Clock& clock, Random& random, ops::Timer& timer,
                       Options options)
    : store_(store),
      clock_(clock),
      random_(random),
      options_(options),
      timer_(timer),
      waiters_(std::make_shared<Waiters>()) {}

Dispatcher::~Dispatcher() { stop(); }

void Dispatcher::handle(std::string kind, Handler handler) {
  handlers_.emplace(std::move(kind), std::move(handler));
}

void Dispatcher::handleTogether(std::string kind, Batch batch) {
  batches_.emplace(std::move(kind), std::move(batch));
}

void Dispatcher::start() {
  workers_.emplace_back([this] { run(kPeople); });
  for (int i = 1; i < std::max(2, options_.workers); ++i) {
    workers_.emplace_back([this] { run(Lane::kBackfill); });
  }
}

void Dispatcher::startWith(const std::vector<JobId>& jobs) {
  chosen_ = std::make_unique<ChosenJobs>(jobs);
  for (int i = 0; i < std::max(1, options_.workers); ++i) {
    workers_.emplace_back([this] { run(Lane::kBackfill); });
  }
}

void Dispatcher::stop() {
  stop_.raise();
  wake();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  waiters_->giveUp();
}

void Dispatcher::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void Dispatcher::onChanges(const std::vector<store::Change>& changes) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t before = changedJobs_.size();
    for (const store::Change& change : changes) {
      if (change.kind == store::ChangeKind::kJob) changedJobs_.push_back(change.ref);
    }
    if (changedJobs_.size() == before) return;
    if (waiters_->empty()) changedJobs_.clear();
    ++wakes_;
  }
  changed_.notify_all();
}

void Dispatcher::await(JobId job, SteadyInstant deadline, AwaitFn done) {
  waiters_->add(job, deadline, std::move(done), timer_);
  // It may have ended before anyone waited.
  {
    const std::lock_guard lock(mutex_);
    changedJobs_.push_back(job);
    ++wakes_;
  }
  changed_.notify_all();
}

void Dispatcher::run(Lane lowest) {
  const auto pause = lowest == kPeople ? kPeoplePause : kPause;
  std::uint64_t seen = 0;
  while (!stop_.raised()) {
    {
      const std::lock_guard lock(mutex_);
      seen = wakes_;
    }
    Milliseconds idle = kIdle;
    try {
      answerWaiters();
      idle = untilDue(lowest);
      if (idle <= Milliseconds::zero()) {
        if (runOne(lowest)) continue;
        idle = chosen_ ? kIdleWithChosen : kTakenByOther;
      }
    } catch (const std::exception& e) {
      ops::logError("outbox_loop_failed", {{"what", e.what()}});
    } catch (...) {
      ops::logError("outbox_loop_failed", {{"what", "unknown exception"}});
    }
    const auto lookedAt = std::chrono::steady_clock::now();
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, idle, [&] { return wakes_ != seen || stop_.raised(); });
    }
    (void)stop_.waitUntil(lookedAt + pause);
  }
}

// Until the next job is due, at most kIdle; zero if one is. A read: claiming is a durable commit,
// and most of the time nothing is due.
Milliseconds Dispatcher::untilDue(Lane lowest) {
  if (chosen_) return Milliseconds::zero();
  Milliseconds left = kIdle;
  (void)store_.read([&](store::Reader& reader) -> Outcome {
    if (const auto due = reader.nextJobDue(lowest)) {
      left = std::clamp<Milliseconds>(*due - clock_.now(), Milliseconds::zero(), kIdle);
    }
    return Done{};
  });
  return left;
}

bool Dispatcher::runOne(Lane lowest) {
  std::vector<Job> claimed;
  const Outcome outcome = write(lowest, [&](store::Transaction& tx) -> Outcome {
    claimed = claim(tx, lowest);
    return Done{};
  });
  if (!outcome) {
    ops::logWarning("outbox_claim_failed", {{"detail", outcome.error().detail}});
    return false;
  }
  if (claimed.size() == 1) execute(claimed.front());
  if (claimed.size() > 1) executeTogether(claimed);
  return !claimed.empty();
}

// One job, or that and others of its kind if enough of them are due to go together.
std::vector<Job> Dispatcher::claim(store::Transaction& tx, Lane lowest) const {
  const Instant now = clock_.now();
  const Instant lease = now + options_.lease;
  std::vector<Job> claimed = chosen_ ? chosen_->claim(tx, lease) : tx.claimJobs(1, lowest, lease);
  if (claimed.empty()) return claimed;
  const auto found = batches_.find(claimed.front().kind);
  if (found == batches_.end()) return claimed;
  const Batch& batch = found->second;
  if (batch.least <= 0 || !batch.joins(claimed.front(), now)) return claimed;
  const std::string& kind = claimed.front().kind;
  const Instant due = now + kTakeAlong;
  std::vector<Job> others = chosen_ ? chosen_->listDue(tx, kind, due, batch.most - 1)
                                    : tx.listDueJobs(kind, due, batch.most - 1);
  others.erase(
      std::remove_if(others.begin(), others.end(),
                     [&](const Job& job) { return job.lane > lowest || !batch.joins(job, now); }),
      others.end());
  if (static_cast<int>(others.size()) + 1 < batch.least) return claimed;
  for (const Job& job : others) {
    if (auto taken = tx.claimJob(job.id, lease)) claimed.push_back(std::move(*taken));
  }
  return claimed;
}

Verdict Dispatcher::run(Job& job) const {
  const auto handler = handlers_.find(job.kind);
  if (handler == handlers_.end()) return Verdict::dead("no handler for kind " + job.kind);
  try {
    return handler->second(job, stop_);
  } catch (const std::exception& e) {
    ops::logError("job_handler_failed",
                  {{"job_id", job.id}, {"kind", job.kind}, {"what", e.what()}});
    return Verdict::retry({Code::kInternal, "the handler failed"});
  }
}

void Dispatcher::execute(Job& job) {
  std::vector<Verdict> verdicts;
  verdicts.push_back(run(job));
  std::vector<Job> jobs{job};
  settle(jobs, verdicts);
}

void Dispatcher::executeTogether(std::vector<Job>& jobs) {
  const Batch& batch = batches_.at(jobs.front().kind);
  std::vector<Verdict> verdicts;
  try {
    verdicts = batch.run(jobs, stop_);
  } catch (const std::exception& e) {
    ops::logError("job_handler_failed", {{"job_id", jobs.front().id},
                                         {"kind", jobs.front().kind},
                                         {"jobs", jobs.size()},
                                         {"what", e.what()}});
  }
  verdicts.resize(jobs.size(), Verdict::retry({Code::kInternal, "the handler failed"}));
  settle(jobs, verdicts);
}

// The job as its verdict leaves it.
Job Dispatcher::leftWith(const Job& job, const Verdict& verdict) const {
  const Instant now = clock_.now();
  Job left = job;
  left.result = verdict.result;
  left.reason = verdict.reason;
  JobEvent event = JobEvent::kSucceeded;
  switch (verdict.kind) {
    case Verdict::Kind::kDone:
      break;
    case Verdict::Kind::kRefused:
      event = JobEvent::kRefused;
      break;
    case Verdict::Kind::kDead:
      event = JobEvent::kGaveUp;
      break;
    case Verdict::Kind::kRetry:
      event = now - job.createdAt > kJobLife ? JobEvent::kGaveUp : JobEvent::kFailed;
      if (verdict.retryAfter) {
        left.dueAt = now + *verdict.retryAfter;
      } else {
        left.dueAt = now + backoff(job.attempts, random_.unit());
        ++left.attempts;
      }
      break;
  }
  left.state = next(JobState::kRunning, event).value();
  if (!isOpen(left.state)) left.endedAt = now;
  return left;
}

// Writes how the jobs ended or when they are due again, and the effects, in one commit.
void Dispatcher::settle(std::vector<Job>& jobs, const std::vector<Verdict>& verdicts) {
  std::vector<Job> left;
  for (std::size_t i = 0; i < jobs.size(); ++i) left.push_back(leftWith(jobs[i], verdicts[i]));
  std::vector<bool> ours(jobs.size(), false);
  std::vector<bool> dropped(jobs.size(), false);  // by the operator, or with an erased contact
  const auto save = [&](store::Transaction& tx) -> Outcome {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (!isOurs(tx, jobs[i])) {
        const auto stored = tx.findJob(jobs[i].id);
        dropped[i] = stored && stored->state == JobState::kDropped;
        continue;
      }
      if (verdicts[i].kind == Verdict::Kind::kRetry) keepStored(tx, left[i]);
      if (!isOpen(left[i].state)) wipe(left[i].sealed);
      ours[i] = tx.saveJob(left[i]);
      if (ours[i] && verdicts[i].effects) verdicts[i].effects(tx);
    }
    return Done{};
  };
  const Outcome outcome = write(jobs.front().lane, save);
  std::vector<Job> settled;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (outcome && ours[i]) {
      settled.push_back(std::move(left[i]));
      continue;
    }
    if (outcome && dropped[i]) {
      ops::logInfo("job_dropped_in_hand", {{"job_id", jobs[i].id}});
      continue;
    }
    // The lease ends and the job is run again; handlers stand that.
    ops::logError("job_not_settled",
                  {{"job_id", jobs[i].id},
                   {"detail", outcome ? "another process took it over" : outcome.error().detail}});
  }
  report(settled);
  // What waited for them may be due now.
  if (std::any_of(settled.begin(), settled.end(), [](const Job& j) { return !isOpen(j.state); })) {
    wake();
  }
}

Outcome Dispatcher::checkpoint(Job& job, Verdict::Effects also) {
  std::vector<Job> jobs{job};
  const Outcome outcome = checkpointAll(jobs, [&](store::Transaction& tx, Job& stored) {
    if (also) also(tx);
    stored.payload = job.payload;  // the effects may have changed them
    stored.sealed = job.sealed;
    return true;
  });
  if (!outcome) return outcome;
  if (jobs.front().state != JobState::kRunning) {
    return Error{Code::kConflict, "the job is no longer ours"};
  }
  job.leaseUntil = jobs.front().leaseUntil;
  return Done{};
}

Outcome Dispatcher::checkpointAll(std::vector<Job>& jobs,
                                  const std::function<bool(store::Transaction&, Job&)>& also) {
  const Instant lease = clock_.now() + options_.lease;
  enum class Fate { kLeft, kStored, kLost };
  std::vector<Fate> fates(jobs.size(), Fate::kLeft);
  const auto save = [&](store::Transaction& tx) -> Outcome {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      Job& job = jobs[i];
      if (job.state != JobState::kRunning) continue;
      fates[i] = Fate::kLost;
      if (!isOurs(tx, job)) continue;
      fates[i] = Fate::kLeft;
      if (!also(tx, job)) continue;
      Job saved = job;
      saved.leaseUntil = lease;
      fates[i] = tx.saveJob(saved) ? Fate::kStored : Fate::kLost;
    }
    return Done{};
  };
  if (jobs.empty()) return Done{};
  const Outcome outcome = write(jobs.front().lane, save);
  if (!outcome) return outcome;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (fates[i] == Fate::kStored) jobs[i].leaseUntil = lease;
    if (fates[i] == Fate::kLost) jobs[i].state = JobState::kQueued;
  }
  return outcome;
}

Outcome Dispatcher::write(Lane lane, store::Store::Work work) {
  return isForPeople(lane) ? store_.writeAhead(std::move(work)) : store_.write(std::move(work));
}

// Looks up the jobs that changed and that someone waits for.
void Dispatcher::answerWaiters() {
  std::vector<JobId> changed;
  {
    const std::lock_guard lock(mutex_);
    changed.swap(changedJobs_);
  }
  if (changed.empty()) return;
  std::vector<Job> ended;
  const std::vector<JobId> waited = waiters_->waitedFor(changed);
  if (waited.empty()) return;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    for (const JobId id : waited) {
      auto job = reader.findJob(id);
      if (job && !isOpen(job->state)) ended.push_back(std::move(*job));
    }
    return Done{};
  });
  if (!read) ops::logWarning("outbox_read_failed", {{"detail", read.error().detail}});
  for (const Job& job : ended) waiters_->ended(job);
}

}  // namespace mbr::outbox
