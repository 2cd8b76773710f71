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

void Dispatcher::start() {
  workers_.emplace_back([this] { run(kPeople); });
  for (int i = 1; i < std::max(2, options_.workers); ++i) {
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
  std::uint64_t seen = 0;
  while (!stop_.raised()) {
    {
      const std::lock_guard lock(mutex_);
      seen = wakes_;
    }
    try {
      answerWaiters();
      if (runOne(lowest)) continue;
    } catch (const std::exception& e) {
      ops::logError("outbox_loop_failed", {{"what", e.what()}});
    } catch (...) {
      ops::logError("outbox_loop_failed", {{"what", "unknown exception"}});
    }
    Milliseconds idle = kIdle;
    (void)store_.read([&](store::Reader& reader) -> Outcome {
      if (const auto due = reader.nextJobDue(lowest)) {
        idle = std::clamp<Milliseconds>(*due - clock_.now(), Milliseconds{1}, kIdle);
      }
      return Done{};
    });
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, idle, [&] { return wakes_ != seen || stop_.raised(); });
  }
}

bool Dispatcher::runOne(Lane lowest) {
  // A read first: claiming is a durable commit, and most of the time nothing is due.
  bool due = false;
  const Outcome looked = store_.read([&](store::Reader& reader) -> Outcome {
    const auto next = reader.nextJobDue(lowest);
    due = next && *next <= clock_.now();
    return Done{};
  });
  if (!looked || !due) return false;

  std::vector<Job> claimed;
  const Outcome outcome = store_.write([&](store::Transaction& tx) -> Outcome {
    claimed = tx.claimJobs(1, lowest, clock_.now() + options_.lease);
    return Done{};
  });
  if (!outcome) {
    ops::logWarning("outbox_claim_failed", {{"detail", outcome.error().detail}});
    return false;
  }
  for (Job& job : claimed) execute(job);
  return !claimed.empty();
}

void Dispatcher::execute(Job& job) {
  Verdict verdict;
  const auto handler = handlers_.find(job.kind);
  if (handler == handlers_.end()) {
    verdict = Verdict::dead("no handler for kind " + job.kind);
  } else {
    try {
      verdict = handler->second(job, stop_);
    } catch (const std::exception& e) {
      ops::logError("job_handler_failed",
                    {{"job_id", job.id}, {"kind", job.kind}, {"what", e.what()}});
      verdict = Verdict::retry({Code::kInternal, "the handler failed"});
    }
  }
  const Outcome settled = settle(job, verdict);
  if (!settled) {
    // The lease ends and the job is run again; handlers stand that.
    ops::logError("job_not_settled", {{"job_id", job.id}, {"detail", settled.error().detail}});
    return;
  }
  if (job.state == JobState::kDead) {
    ops::logError("job_dead", {{"job_id", job.id}, {"kind", job.kind}, {"reason", job.reason}});
  } else if (job.state == JobState::kQueued) {
    ops::logInfo("job_waits", {{"job_id", job.id},
                               {"kind", job.kind},
                               {"attempts", job.attempts},
                               {"reason", job.reason}});
  }
  if (!isOpen(job.state)) {
    countEnded(job);
    wake();  // what waited for it may be due now
  }
}

// Writes how the job ended or when it is due again, and its effects, in one commit.
Outcome Dispatcher::settle(Job& job, const Verdict& verdict) {
  const Instant now = clock_.now();
  Job settled = job;
  settled.result = verdict.result;
  settled.reason = verdict.reason;
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
        settled.dueAt = now + *verdict.retryAfter;
      } else {
        settled.dueAt = now + backoff(job.attempts, random_.unit());
        ++settled.attempts;
      }
      break;
  }
  const auto state = next(JobState::kRunning, event);
  if (!state) return Error{Code::kInternal, "a running job cannot take this event"};
  settled.state = *state;
  if (!isOpen(settled.state)) settled.endedAt = now;
  bool ours = false;
  const Outcome outcome = store_.write([&](store::Transaction& tx) -> Outcome {
    ours = isOurs(tx, job);
    if (!ours) return Done{};
    if (verdict.kind == Verdict::Kind::kRetry) keepStored(tx, settled);
    if (!isOpen(settled.state)) wipe(settled.sealed);
    ours = tx.saveJob(settled);
    if (ours && verdict.effects) verdict.effects(tx);
    return Done{};
  });
  if (!outcome) return outcome;
  if (!ours) return Error{Code::kConflict, "another process took the job over"};
  job = std::move(settled);
  return Done{};
}

Outcome Dispatcher::checkpoint(Job& job, Verdict::Effects also) {
  const Instant lease = clock_.now() + options_.lease;
  const Outcome outcome = store_.write([&](store::Transaction& tx) -> Outcome {
    if (!isOurs(tx, job)) return Error{Code::kConflict, "the job is no longer ours"};
    if (also) also(tx);
    Job saved = job;
    saved.leaseUntil = lease;
    if (!tx.saveJob(saved)) return Error{Code::kConflict, "the job is no longer ours"};
    return Done{};
  });
  if (outcome) job.leaseUntil = lease;
  return outcome;
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
