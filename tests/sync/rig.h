// A whole service without its front: jobs run by the real dispatcher over the real client, against
// an account in memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "activecampaign/breaker.h"
#include "activecampaign/features.h"
#include "activecampaign/rate_budget.h"
#include "members/rig.h"
#include "ops/timer.h"
#include "outbox/dispatcher.h"
#include "sync/fake_account.h"
#include "sync/job_handlers.h"
#include "sync/password_batch.h"

namespace mbr::test {

// Whoever waits finds the time passed: each look at the steady clock moves it on, and since it
// began at 0 what is waited for lies in the machine's past. Thread-safe.
class HurryingClock final : public Clock {
 public:
  static constexpr Milliseconds kStep{10};

  explicit HurryingClock(FakeClock& clock) : clock_(clock), begunAt_(clock.now()) {}
  Instant now() const override { return clock_.now(); }
  SteadyInstant steady() const override {
    clock_.advance(kStep);
    return SteadyInstant{clock_.now() - begunAt_};
  }

 private:
  FakeClock& clock_;
  const Instant begunAt_;
};

class SyncRig : public MembersRig {
 public:
  // What a wait on the clock does.
  enum class Waits { kStand, kPassAtOnce };

  explicit SyncRig(PasswordPolicy policy = PasswordPolicy::kKeep, Waits waits = Waits::kStand)
      : MembersRig(policy),
        pace(waits == Waits::kStand ? static_cast<const Clock&>(clock) : hurrying) {
    add(members::kPasswordJob, &sync::runPasswordJob);
    add(members::kFollowUpJob, &sync::runFollowUpJob);
    add(members::kChangeJob, &sync::runChangeJob);
    add(members::kLastLoginJob, &sync::runChangeJob);
    add(members::kRefreshJob, &sync::runRefreshJob);
    add(members::kDirectoriesJob, &sync::runDirectoriesJob);
    add(members::kWipeJob, &sync::runWipeJob);
    listen([this](const auto& changes) { dispatcher.onChanges(changes); });
    account.people[42] = {"a@example.com", "Ada", {}, {}, {}};
  }
  ~SyncRig() override {
    dispatcher.stop();
    timer.stop();
    listen({});
  }

  FakeAccount account{clock};
  HurryingClock hurrying{clock};
  const Clock& pace;  // the clock of all that follows
  activecampaign::RateBudget budget{store, pace, activecampaign::Rate(1000)};
  activecampaign::Breaker breaker{pace};
  activecampaign::Features features;
  sync::ClientPool clients{[this] { return account.connect(); }, budget, breaker, features, pace};
  sync::ContactReader reader{store, directories, {}};
  ops::Timer timer;
  outbox::Dispatcher::Options options;
  outbox::Dispatcher dispatcher{store, pace, random, timer, options};
  sync::Workshop workshop{store, pace, dispatcher, clients, reader, directories, updater, issuer};

  // Jobs go together as registerJobHandlers() has it. Before the first finish().
  void goTogether() {
    goTogether(members::kPasswordJob, workshop.bulkFrom, sync::kPasswordBatch,
               &sync::joinsPasswordBatch, &sync::runPasswordBatch);
    goTogether(members::kRefreshJob, 10, activecampaign::kPageSize, &sync::joinsRefreshBatch,
               &sync::runRefreshBatch);
  }

  JobId addPasswordJob(const members::PasswordPayload& payload, std::string sealed = "") {
    Job job;
    job.kind = members::kPasswordJob;
    job.lane = Lane::kPassword;
    job.contactId = payload.contactId;
    job.key = members::contactKey(payload.contactId, payload.email);
    job.payload = members::write(payload);
    job.sealed = std::move(sealed);
    return addJob(job);
  }
  JobId addJob(Job job) {
    job.createdAt = job.dueAt = clock.now();
    JobId id = 0;
    write([&](store::Transaction& tx) { id = tx.addJob(job); });
    return id;
  }
  // Issue a password to `contact`, then tag 1 and 2, then automations 5 and 6.
  static members::PasswordPayload wanted(ContactId contact) {
    members::PasswordPayload payload;
    payload.contactId = contact;
    payload.email = "a@example.com";
    payload.steps = members::stepsOf({1, 2}, {5, 6});
    return payload;
  }

  // Claims the job as a worker would, runs its handler and forgets what it says, as a process does
  // that dies then.
  outbox::Verdict runAndDie(JobId id) {
    std::vector<Job> claimed;
    (void)database->store().write([&](store::Transaction& tx) -> Outcome {
      claimed = tx.claimJobs(1, Lane::kBackfill, clock.now() + options.lease);
      return Done{};
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, claimed.size());
    CPPUNIT_ASSERT_EQUAL(id, claimed.front().id);
    return run(claimed.front());
  }
  // Claims all that may go together as a worker would.
  std::vector<Job> claimTogether(std::string_view kind, bool (*joins)(const Job&, Instant)) {
    std::vector<Job> claimed;
    write([&](store::Transaction& tx) {
      const Instant lease = clock.now() + options.lease;
      for (const Job& due : tx.listDueJobs(kind, clock.now(), sync::kPasswordBatch)) {
        if (!joins(due, clock.now())) continue;
        if (auto taken = tx.claimJob(due.id, lease)) claimed.push_back(std::move(*taken));
      }
    });
    return claimed;
  }
  // The leases of a process that died end.
  void passLease() { clock.advance(options.lease + Milliseconds{1000}); }

  // Lets the dispatcher work until the job has ended, moving the clock over every pause.
  Job finish(JobId id) {
    if (!started_) dispatcher.start();
    started_ = true;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      const std::uint64_t seen = changeCount();
      const Job found = *job(id);
      if (!isOpen(found.state)) return found;
      if (inHand_ == 0) passPause();
      // A handler whose end could not be stored leaves nothing but a lease.
      const bool still = !awaitChange(seen, Milliseconds{1000}) && inHand_ == 0;
      if (still && job(id)->state == JobState::kRunning) passLease();
      dispatcher.wake();
    }
    CPPUNIT_FAIL("the job did not end");
    return {};
  }
  // Until no job is open.
  void finishAll() {
    for (bool open = true; open;) {
      open = false;
      for (const Job& each : jobs()) {
        if (!isOpen(each.state)) continue;
        open = true;
        finish(each.id);
      }
    }
  }

  std::string password(ContactId id = 42) { return account.people[id].fields[3]; }
  std::vector<TagId> tagsInAccount(ContactId id = 42) {
    std::vector<TagId> all;
    for (const auto& each : account.people[id].tags) addTag(all, each.second);
    return all;
  }
  int entries(AutomationId automation, ContactId id = 42) {
    const auto& all = account.people[id].entries;
    return static_cast<int>(std::count_if(
        all.begin(), all.end(), [&](const auto& entry) { return entry.automation == automation; }));
  }

 private:
  using Handler = outbox::Verdict (*)(const sync::Workshop&, Job&, const StopFlag&);

  using BatchHandler = std::vector<outbox::Verdict> (*)(const sync::Workshop&, std::vector<Job>&,
                                                        const StopFlag&);

  void goTogether(std::string_view kind, int least, int most, bool (*joins)(const Job&, Instant),
                  BatchHandler handler) {
    const auto run = [this, handler](std::vector<Job>& jobs, const StopFlag& stop) {
      ++inHand_;
      auto verdicts = handler(workshop, jobs, stop);
      --inHand_;
      return verdicts;
    };
    dispatcher.handleTogether(std::string(kind), {least, most, joins, run});
  }

  void add(std::string_view kind, Handler handler) {
    handlers_.emplace_back(kind, handler);
    dispatcher.handle(std::string(kind), [this, handler](Job& job, const StopFlag& stop) {
      ++inHand_;
      auto verdict = handler(workshop, job, stop);
      --inHand_;
      return verdict;
    });
  }

  outbox::Verdict run(Job& job) {
    const StopFlag stop;
    for (const auto& [kind, handler] : handlers_) {
      if (kind == job.kind) return handler(workshop, job, stop);
    }
    CPPUNIT_FAIL("no handler for " + job.kind);
    return {};
  }

  // To the next instant at which a queued job is due, if none is due yet.
  void passPause() {
    std::optional<Instant> next;
    for (const Job& each : jobs()) {
      if (each.state != JobState::kQueued) continue;
      next = next ? std::min(*next, each.dueAt) : each.dueAt;
    }
    if (next && *next > clock.now()) {
      clock.advance(*next - clock.now());
      dispatcher.wake();
    }
  }

  std::vector<std::pair<std::string, Handler>> handlers_;
  std::atomic<int> inHand_{0};
  bool started_ = false;
};

}  // namespace mbr::test
