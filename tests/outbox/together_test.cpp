#include <future>
#include <set>

#include "outbox/rig.h"

namespace mbr::outbox {

using Ids = std::vector<JobId>;

// Jobs that are carried out together.
class TogetherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TogetherTest);
  CPPUNIT_TEST(fewerThanTheLeastGoSingly);
  CPPUNIT_TEST(enoughGoTogetherTheOldestFirstAndNeverMoreThanTheMost);
  CPPUNIT_TEST(exactlyTheLeastAreEnough);
  CPPUNIT_TEST(whoMayNotJoinGoesSingly);
  CPPUNIT_TEST(whoMayNotJoinDoesNotMakeTheOthersEnough);
  CPPUNIT_TEST(withALeastOfZeroAllGoSingly);
  CPPUNIT_TEST(otherKindsAreLeftAlone);
  CPPUNIT_TEST(jobsThatWaitForTheirNextTryGoAlong);
  CPPUNIT_TEST(jobsThatWaitMayBeLeftToWait);
  CPPUNIT_TEST(jobsThatWaitAreNotBegunForTheirOwnSake);
  CPPUNIT_TEST(eachJobHasItsOwnVerdict);
  CPPUNIT_TEST(whatWasNotStoredIsForgottenForThoseThatArePutBack);
  CPPUNIT_TEST(theEffectsAreInTheCommitThatEndsTheJobs);
  CPPUNIT_TEST(effectsThatFailLeaveAllOfThemOpen);
  CPPUNIT_TEST(aHandlerThatThrowsPutsAllOfThemBack);
  CPPUNIT_TEST(jobsWithoutAVerdictArePutBack);
  CPPUNIT_TEST(verdictsWithoutAJobAreNothing);
  CPPUNIT_TEST(aJobThatAnotherProcessTookIsLeftAlone);
  CPPUNIT_TEST(ofOneContactsJobsOnlyTheOldestIsInABatch);
  CPPUNIT_TEST(aLaterJobOfAContactDoesNotOvertakeOneThatWaits);
  CPPUNIT_TEST(whoAwaitsAJobOfABatchIsAnswered);
  CPPUNIT_TEST(whatAPersonWaitsForTakesNothingElseAlong);
  CPPUNIT_TEST_SUITE_END();

  // Destroyed last: handlers use them.
  std::mutex mutex_;
  std::vector<Ids> batches_;  // guarded by mutex_
  Ids singles_;               // guarded by mutex_
  std::atomic<int> runs_{0};
  Gate gate_;
  OutboxRig rig_;

  using Run = std::function<std::vector<Verdict>(std::vector<Job>&)>;

  static std::vector<Verdict> allDone(const std::vector<Job>& jobs) {
    return {jobs.size(), Verdict::done()};
  }
  static bool mayJoin(const Job& job, Instant now) {
    return job.payload != "alone" && (job.payload != "when due" || job.dueAt <= now);
  }

  void together(int least, int most, Run run = allDone) {
    rig_.dispatcher.handle("k", [this](Job& job, const StopFlag&) {
      const std::lock_guard lock(mutex_);
      singles_.push_back(job.id);
      return Verdict::done();
    });
    rig_.dispatcher.handleTogether(
        "k", {least, most, mayJoin,
              [this, run = std::move(run)](std::vector<Job>& jobs, const StopFlag&) {
                Ids ids;
                for (const Job& job : jobs) ids.push_back(job.id);
                {
                  const std::lock_guard lock(mutex_);
                  batches_.push_back(ids);
                }
                ++runs_;
                return run(jobs);
              }});
  }
  std::vector<Ids> batches() {
    const std::lock_guard lock(mutex_);
    auto all = batches_;
    std::sort(all.begin(), all.end());
    return all;
  }
  Ids singles() {
    const std::lock_guard lock(mutex_);
    auto all = singles_;
    std::sort(all.begin(), all.end());
    return all;
  }

  JobId addOne(const std::function<void(Job&)>& with = {}) { return rig_.add("k", with); }
  JobId addAlone() {
    return addOne([](Job& job) { job.payload = "alone"; });
  }
  JobId addFor(ContactId contact, Milliseconds later = {}) {
    return addOne([&](Job& job) {
      job.contactId = contact;
      job.dueAt += later;
    });
  }
  JobId addLater(Milliseconds later) {
    return addOne([&](Job& job) { job.dueAt += later; });
  }
  Ids add(int count) {
    Ids ids;
    for (int i = 0; i < count; ++i) ids.push_back(addOne());
    return ids;
  }
  void awaitDone(const Ids& ids) {
    for (const JobId id : ids) rig_.awaitState(id, JobState::kDone);
  }
  // A job of another kind has been through, so the workers have seen what is due.
  void awaitPass() {
    const JobId id = rig_.add("pass", [](Job& job) { job.lane = Lane::kBackfill; });
    rig_.awaitState(id, JobState::kDead);  // nobody handles it
  }

  void fewerThanTheLeastGoSingly() {
    together(3, 10);
    const Ids ids = add(2);
    rig_.dispatcher.start();
    awaitDone(ids);
    CPPUNIT_ASSERT(batches().empty());
    CPPUNIT_ASSERT(singles() == ids);
  }

  void enoughGoTogetherTheOldestFirstAndNeverMoreThanTheMost() {
    together(3, 4);
    const Ids ids = add(10);
    rig_.dispatcher.start();
    awaitDone(ids);
    const std::vector<Ids> expected{{ids[0], ids[1], ids[2], ids[3]},
                                    {ids[4], ids[5], ids[6], ids[7]}};
    CPPUNIT_ASSERT(batches() == expected);
    CPPUNIT_ASSERT(singles() == Ids({ids[8], ids[9]}));
  }

  void exactlyTheLeastAreEnough() {
    together(3, 3);
    const Ids ids = add(3);
    rig_.dispatcher.start();
    awaitDone(ids);
    CPPUNIT_ASSERT(batches() == std::vector<Ids>{ids});
    CPPUNIT_ASSERT(singles().empty());
  }

  void whoMayNotJoinGoesSingly() {
    together(3, 10);
    const JobId first = addAlone();
    const Ids some = add(2);
    const JobId second = addAlone();
    const JobId last = addOne();
    rig_.dispatcher.start();
    awaitDone({first, some[0], some[1], second, last});
    CPPUNIT_ASSERT(batches() == std::vector<Ids>({{some[0], some[1], last}}));
    CPPUNIT_ASSERT(singles() == Ids({first, second}));
  }

  void whoMayNotJoinDoesNotMakeTheOthersEnough() {
    together(3, 10);
    Ids ids = add(2);
    ids.push_back(addAlone());
    rig_.dispatcher.start();
    awaitDone(ids);
    CPPUNIT_ASSERT(batches().empty());
  }

  void withALeastOfZeroAllGoSingly() {
    together(0, 10);
    const Ids ids = add(12);
    rig_.dispatcher.start();
    awaitDone(ids);
    CPPUNIT_ASSERT(batches().empty());
    CPPUNIT_ASSERT(singles() == ids);
  }

  void otherKindsAreLeftAlone() {
    together(3, 10);
    rig_.dispatcher.handle("other", [](Job&, const StopFlag&) { return Verdict::done(); });
    Ids ids = add(2);
    const JobId other = rig_.add("other");
    rig_.dispatcher.start();
    awaitDone({ids[0], ids[1], other});
    CPPUNIT_ASSERT(batches().empty());
    CPPUNIT_ASSERT(singles() == ids);
  }

  void jobsThatWaitForTheirNextTryGoAlong() {
    together(3, 10);
    const JobId soon = addLater(std::chrono::minutes{59});
    const JobId within = addLater(std::chrono::hours{1});
    const JobId beyond = addLater(std::chrono::hours{1} + Milliseconds{1});
    const JobId due = addOne();
    rig_.dispatcher.start();
    awaitDone({due, soon, within});
    CPPUNIT_ASSERT(batches() == std::vector<Ids>({{due, soon, within}}));
    CPPUNIT_ASSERT(rig_.job(beyond).state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(0, rig_.job(beyond).attempts);
  }

  void jobsThatWaitMayBeLeftToWait() {
    together(2, 10);
    const auto whenDue = [this](Milliseconds later) {
      return addOne([later](Job& job) {
        job.payload = "when due";
        job.dueAt += later;
      });
    };
    const JobId due = whenDue({});
    const JobId waits = whenDue(Milliseconds{1});
    const JobId other = addLater(std::chrono::minutes{1});
    rig_.dispatcher.start();
    awaitDone({due, other});
    CPPUNIT_ASSERT(batches() == std::vector<Ids>({{due, other}}));
    CPPUNIT_ASSERT(rig_.job(waits).state == JobState::kQueued);
    rig_.pass(Milliseconds{1});
    awaitDone({waits});
    CPPUNIT_ASSERT(singles() == Ids{waits});
  }

  void jobsThatWaitAreNotBegunForTheirOwnSake() {
    together(3, 10);
    for (int i = 0; i < 5; ++i) addLater(std::chrono::minutes{1});
    rig_.dispatcher.start();
    awaitPass();
    CPPUNIT_ASSERT(batches().empty());
    CPPUNIT_ASSERT(singles().empty());
  }

  void eachJobHasItsOwnVerdict() {
    together(5, 5, [](std::vector<Job>&) -> std::vector<Verdict> {
      return {Verdict::done("[1]"), Verdict::refused("[2]", "no such tag"),
              Verdict::dead("gone for good"), Verdict::retry({Code::kUnavailable, "down"}),
              Verdict::retry({Code::kBusy, "full", Milliseconds{7000}})};
    });
    Ids ids;
    for (int i = 0; i < 5; ++i) ids.push_back(addOne([](Job& job) { job.sealed = "secret"; }));
    rig_.dispatcher.start();
    rig_.awaitState(ids[0], JobState::kDone);
    const Job done = rig_.job(ids[0]);
    const Job refused = rig_.job(ids[1]);
    const Job dead = rig_.job(ids[2]);
    const Job down = rig_.job(ids[3]);
    const Job busy = rig_.job(ids[4]);
    CPPUNIT_ASSERT_EQUAL(std::string("[1]"), done.result);
    CPPUNIT_ASSERT(refused.state == JobState::kRefused);
    CPPUNIT_ASSERT_EQUAL(std::string("[2]"), refused.result);
    CPPUNIT_ASSERT_EQUAL(std::string("no such tag"), refused.reason);
    CPPUNIT_ASSERT(dead.state == JobState::kDead);
    CPPUNIT_ASSERT_EQUAL(std::string("gone for good"), dead.reason);
    for (const Job& ended : {done, refused, dead}) {
      CPPUNIT_ASSERT(ended.sealed.empty());
      CPPUNIT_ASSERT(ended.endedAt == rig_.clock.now());
    }
    CPPUNIT_ASSERT(down.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(1, down.attempts);
    CPPUNIT_ASSERT_EQUAL(std::string("unavailable: down"), down.reason);
    CPPUNIT_ASSERT(down.dueAt > rig_.clock.now());
    CPPUNIT_ASSERT(busy.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(0, busy.attempts);
    CPPUNIT_ASSERT(busy.dueAt == rig_.clock.now() + Milliseconds{7000});
    for (const Job& open : {down, busy}) CPPUNIT_ASSERT_EQUAL(std::string("secret"), open.sealed);
  }

  void whatWasNotStoredIsForgottenForThoseThatArePutBack() {
    together(2, 2, [this](std::vector<Job>& jobs) -> std::vector<Verdict> {
      const Outcome stored =
          rig_.dispatcher.checkpointAll(jobs, [&](store::Transaction&, Job& job) {
            job.payload = "stored";
            return &job == &jobs[0];
          });
      if (!stored) throw std::runtime_error("the checkpoint failed");
      for (Job& job : jobs) job.payload = "not stored";
      return {2, Verdict::retry({Code::kUnavailable, "down"})};
    });
    const Ids ids = add(2);
    rig_.dispatcher.start();
    rig_.awaitPutBack(ids[1], runs_, 1);
    CPPUNIT_ASSERT_EQUAL(std::string("stored"), rig_.job(ids[0]).payload);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), rig_.job(ids[1]).payload);
  }

  void theEffectsAreInTheCommitThatEndsTheJobs() {
    together(3, 3, [](std::vector<Job>& jobs) {
      std::vector<Verdict> verdicts;
      for (const Job& job : jobs) {
        const auto note = [id = job.id](store::Transaction& tx) {
          CPPUNIT_ASSERT(!isOpen(tx.findJob(id)->state));
          tx.setMeta("effect" + std::to_string(id), "1");
        };
        verdicts.push_back(Verdict::done({}, note));
      }
      verdicts[1].kind = Verdict::Kind::kRefused;
      return verdicts;
    });
    const Ids ids = add(3);
    rig_.dispatcher.start();
    rig_.awaitState(ids[2], JobState::kDone);
    CPPUNIT_ASSERT(rig_.job(ids[1]).state == JobState::kRefused);
    for (const JobId id : ids) CPPUNIT_ASSERT(rig_.meta("effect" + std::to_string(id)));
  }

  void effectsThatFailLeaveAllOfThemOpen() {
    together(2, 2, [this](std::vector<Job>&) -> std::vector<Verdict> {
      const auto note = [](store::Transaction& tx) { tx.setMeta("first", "1"); };
      const auto fail = [first = runs_ == 1](store::Transaction&) {
        if (first) throw store::Failed(Error{Code::kUnavailable, "by the test"});
      };
      return {Verdict::done({}, note), Verdict::done({}, fail)};
    });
    const Ids ids = add(2);
    rig_.dispatcher.start();
    rig_.awaitThat("run", [&] { return runs_ == 1; });
    awaitPass();
    CPPUNIT_ASSERT(!rig_.meta("first"));
    for (const JobId id : ids) CPPUNIT_ASSERT(isOpen(rig_.job(id).state));
    // Nothing but their lease is left of it.
    rig_.pass(rig_.options.lease + Milliseconds{1});
    awaitDone(ids);
    CPPUNIT_ASSERT_EQUAL(2, runs_.load());
    CPPUNIT_ASSERT(rig_.meta("first"));
  }

  void aHandlerThatThrowsPutsAllOfThemBack() {
    together(2, 2, [this](std::vector<Job>& jobs) {
      for (Job& job : jobs) job.payload = "half done";
      if (runs_ == 1) throw std::runtime_error("a bug");
      return allDone(jobs);
    });
    const Ids ids = add(2);
    rig_.dispatcher.start();
    for (const JobId id : ids) {
      rig_.awaitPutBack(id, runs_, 1);
      CPPUNIT_ASSERT_EQUAL(1, rig_.job(id).attempts);
      CPPUNIT_ASSERT_EQUAL(std::string("{}"), rig_.job(id).payload);
    }
    rig_.pass(std::chrono::seconds{10});
    awaitDone(ids);
  }

  void jobsWithoutAVerdictArePutBack() {
    together(3, 3, [](std::vector<Job>&) -> std::vector<Verdict> {
      return {Verdict::done(), Verdict::done()};
    });
    const Ids ids = add(3);
    rig_.dispatcher.start();
    awaitDone({ids[0], ids[1]});
    const Job last = rig_.job(ids[2]);
    CPPUNIT_ASSERT(last.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(1, last.attempts);
    CPPUNIT_ASSERT(!last.reason.empty());
  }

  void verdictsWithoutAJobAreNothing() {
    together(2, 2, [](std::vector<Job>&) -> std::vector<Verdict> {
      const auto note = [](store::Transaction& tx) { tx.setMeta("effect", "1"); };
      return {Verdict::done(), Verdict::done(), Verdict::done({}, note)};
    });
    const Ids ids = add(2);
    rig_.dispatcher.start();
    awaitDone(ids);
    CPPUNIT_ASSERT(!rig_.meta("effect"));
  }

  void aJobThatAnotherProcessTookIsLeftAlone() {
    std::set<JobId> asked;
    std::vector<JobState> states;
    together(3, 3, [&](std::vector<Job>& jobs) {
      Job other = jobs[1];
      other.state = JobState::kQueued;
      other.payload = "of the other";
      other.dueAt = rig_.clock.now() + std::chrono::hours{2};
      rig_.database->write([&](store::Transaction& tx) { tx.saveJob(other); });
      const Outcome stored =
          rig_.dispatcher.checkpointAll(jobs, [&](store::Transaction&, Job& job) {
            asked.insert(job.id);
            job.payload = "ours";
            return true;
          });
      if (!stored) throw std::runtime_error("the checkpoint failed");
      std::vector<Verdict> verdicts;
      for (const Job& job : jobs) {
        states.push_back(job.state);
        verdicts.push_back(Verdict::done({}, [id = job.id](store::Transaction& tx) {
          tx.setMeta("effect" + std::to_string(id), "1");
        }));
      }
      return verdicts;
    });
    const Ids ids = add(3);
    rig_.dispatcher.start();
    awaitDone({ids[0], ids[2]});
    CPPUNIT_ASSERT(asked == std::set<JobId>({ids[0], ids[2]}));
    CPPUNIT_ASSERT(states == std::vector<JobState>(
                                 {JobState::kRunning, JobState::kQueued, JobState::kRunning}));
    const Job other = rig_.job(ids[1]);
    CPPUNIT_ASSERT(other.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(std::string("of the other"), other.payload);
    CPPUNIT_ASSERT_EQUAL(0, other.attempts);
    CPPUNIT_ASSERT(!rig_.meta("effect" + std::to_string(ids[1])));
    CPPUNIT_ASSERT(rig_.meta("effect" + std::to_string(ids[0])));
    CPPUNIT_ASSERT_EQUAL(std::string("ours"), rig_.job(ids[2]).payload);
  }

  void ofOneContactsJobsOnlyTheOldestIsInABatch() {
    together(2, 10, [this](std::vector<Job>& jobs) {
      gate_.wait();
      return allDone(jobs);
    });
    const JobId older = addFor(7);
    const JobId later = addFor(7);
    const JobId others[] = {addFor(8), addFor(9)};
    rig_.dispatcher.start();
    rig_.awaitThat("run", [&] { return runs_ == 1; });
    awaitPass();
    CPPUNIT_ASSERT(rig_.job(later).state == JobState::kQueued);
    gate_.open();
    awaitDone({older, later, others[0], others[1]});
    CPPUNIT_ASSERT(batches() == std::vector<Ids>({{older, others[0], others[1]}}));
    CPPUNIT_ASSERT(singles() == Ids{later});
  }

  void aLaterJobOfAContactDoesNotOvertakeOneThatWaits() {
    together(2, 2);
    const JobId waits = addFor(7, std::chrono::minutes{30});
    const JobId later = addFor(7);
    const JobId due = addFor(8);
    rig_.dispatcher.start();
    awaitDone({due, waits, later});
    CPPUNIT_ASSERT(batches() == std::vector<Ids>({{due, waits}}));
    CPPUNIT_ASSERT(singles() == Ids{later});
  }

  void whoAwaitsAJobOfABatchIsAnswered() {
    together(3, 3, [this](std::vector<Job>&) -> std::vector<Verdict> {
      gate_.wait();
      return {Verdict::done("result"), Verdict::refused("", "no"),
              Verdict::retry({Code::kUnavailable, "down"})};
    });
    const Ids ids = add(3);
    std::vector<std::future<std::optional<Job>>> awaited;
    for (const JobId id : ids) {
      auto promise = std::make_shared<std::promise<std::optional<Job>>>();
      awaited.push_back(promise->get_future());
      rig_.dispatcher.await(
          id, std::chrono::steady_clock::now() + kPatience,
          [promise](std::optional<Job> job) { promise->set_value(std::move(job)); });
    }
    rig_.dispatcher.start();
    gate_.open();
    for (int i = 0; i < 2; ++i) {
      CPPUNIT_ASSERT(awaited[i].wait_for(kPatience) == std::future_status::ready);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("result"), awaited[0].get().value().result);
    CPPUNIT_ASSERT(awaited[1].get().value().state == JobState::kRefused);
    rig_.awaitPutBack(ids[2], runs_, 1);
    awaitPass();
    CPPUNIT_ASSERT(awaited[2].wait_for(Milliseconds{0}) == std::future_status::timeout);
  }

  // Its worker would be away with what nobody waits for.
  void whatAPersonWaitsForTakesNothingElseAlong() {
    Gate begun;
    Gate held;
    // Of its two workers one takes any lane, and it is held.
    Dispatcher two(rig_.store, rig_.clock, rig_.random, rig_.timer, {2, rig_.options.lease});
    two.handle("hold", [&](Job&, const StopFlag&) {
      begun.open();
      held.wait();
      return Verdict::done();
    });
    two.handle("k", [](Job&, const StopFlag&) { return Verdict::done(); });
    two.handleTogether("k", {2, 10, mayJoin, [](std::vector<Job>& jobs, const StopFlag&) {
                               return std::vector<Verdict>{jobs.size(), Verdict::dead("taken")};
                             }});
    rig_.add("hold");
    two.start();
    begun.wait();
    const Ids ids = add(3);
    const JobId wanted = addOne([](Job& job) { job.lane = Lane::kSite; });
    two.wake();
    rig_.awaitThat("ended", [&] { return !isOpen(rig_.job(wanted).state); });
    held.open();
    CPPUNIT_ASSERT_EQUAL(std::string(toString(JobState::kDone)),
                         std::string(toString(rig_.job(wanted).state)));
    two.stop();
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(TogetherTest);

// What jobs in hand store on their way.
class CheckpointAllTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CheckpointAllTest);
  CPPUNIT_TEST(onlyThoseThatAreToBeStoredAreAndKeepTheirLease);
  CPPUNIT_TEST(whatComesAlongIsInTheSameCommit);
  CPPUNIT_TEST(aLostJobIsMarkedAndNotAskedAboutAgain);
  CPPUNIT_TEST(aStoreThatFailsChangesNoLeaseAndMarksNone);
  CPPUNIT_TEST_SUITE_END();

  OutboxRig rig_;
  std::vector<Job> jobs_;

 public:
  void setUp() override {
    for (int i = 0; i < 3; ++i) rig_.add("k");
    for (int i = 0; i < 3; ++i) jobs_.push_back(rig_.claim());
    rig_.clock.advance(std::chrono::minutes{1});
  }

  Instant renewed() { return rig_.clock.now() + rig_.options.lease; }

  void onlyThoseThatAreToBeStoredAreAndKeepTheirLease() {
    const Instant before = jobs_[0].leaseUntil;
    const Outcome stored = rig_.dispatcher.checkpointAll(jobs_, [&](store::Transaction&, Job& job) {
      job.payload = "changed";
      job.sealed = "sealed";
      return &job != &jobs_[1];
    });
    CPPUNIT_ASSERT(stored.ok());
    for (const int i : {0, 2}) {
      const Job row = rig_.job(jobs_[i].id);
      CPPUNIT_ASSERT(row.state == JobState::kRunning);
      CPPUNIT_ASSERT(row.leaseUntil == renewed());
      CPPUNIT_ASSERT(jobs_[i].leaseUntil == renewed());
      CPPUNIT_ASSERT_EQUAL(std::string("changed"), row.payload);
      CPPUNIT_ASSERT_EQUAL(std::string("sealed"), row.sealed);
    }
    const Job row = rig_.job(jobs_[1].id);
    CPPUNIT_ASSERT(row.leaseUntil == before);
    CPPUNIT_ASSERT(jobs_[1].leaseUntil == before);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), row.payload);
    // And it is ours still.
    CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(jobs_[1]).ok());
  }

  void whatComesAlongIsInTheSameCommit() {
    rig_.store.failAt(test::FailingStore::Step::kWork);
    const auto note = [](store::Transaction& tx, Job& job) {
      tx.setMeta("along" + std::to_string(job.id), "1");
      return false;
    };
    CPPUNIT_ASSERT(!rig_.dispatcher.checkpointAll(jobs_, note).ok());
    for (const Job& job : jobs_) CPPUNIT_ASSERT(!rig_.meta("along" + std::to_string(job.id)));
    CPPUNIT_ASSERT(rig_.dispatcher.checkpointAll(jobs_, note).ok());
    for (const Job& job : jobs_) CPPUNIT_ASSERT(rig_.meta("along" + std::to_string(job.id)));
  }

  void aLostJobIsMarkedAndNotAskedAboutAgain() {
    rig_.database->write([&](store::Transaction& tx) {
      Job taken = jobs_[2];
      taken.state = JobState::kDropped;
      CPPUNIT_ASSERT(tx.saveJob(taken));
    });
    int asked = 0;
    const auto ask = [&](store::Transaction&, Job& job) {
      CPPUNIT_ASSERT(&job != &jobs_[2]);
      ++asked;
      return true;
    };
    CPPUNIT_ASSERT(rig_.dispatcher.checkpointAll(jobs_, ask).ok());
    CPPUNIT_ASSERT(jobs_[2].state == JobState::kQueued);
    CPPUNIT_ASSERT(jobs_[0].state == JobState::kRunning);
    CPPUNIT_ASSERT(rig_.dispatcher.checkpointAll(jobs_, ask).ok());
    CPPUNIT_ASSERT_EQUAL(4, asked);
    CPPUNIT_ASSERT(jobs_[2].state == JobState::kQueued);
    CPPUNIT_ASSERT(rig_.job(jobs_[2].id).state == JobState::kDropped);
  }

  void aStoreThatFailsChangesNoLeaseAndMarksNone() {
    const Instant before = jobs_[0].leaseUntil;
    rig_.store.failAt(test::FailingStore::Step::kWork);
    const Outcome failed =
        rig_.dispatcher.checkpointAll(jobs_, [](store::Transaction&, Job&) { return true; });
    CPPUNIT_ASSERT(failed.error().code == Code::kUnavailable);
    for (const Job& job : jobs_) {
      CPPUNIT_ASSERT(job.state == JobState::kRunning);
      CPPUNIT_ASSERT(job.leaseUntil == before);
      CPPUNIT_ASSERT(rig_.job(job.id).leaseUntil == before);
    }
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CheckpointAllTest);

}  // namespace mbr::outbox
