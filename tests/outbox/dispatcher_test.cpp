#include "outbox/rig.h"

namespace mbr::outbox {

class DispatcherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DispatcherTest);
  CPPUNIT_TEST(aJobRunsOnceAndItsEffectsAreInTheCommitThatEndsIt);
  CPPUNIT_TEST(effectsThatFailLeaveTheJobOpen);
  CPPUNIT_TEST(aFailureBacksOffAndIsCounted);
  CPPUNIT_TEST(aNamedDelayIsKeptAndNotCounted);
  CPPUNIT_TEST(aBusyOtherSideWithoutADelayIsAskedSoonAgain);
  CPPUNIT_TEST(aRefusalEndsTheJobWithItsReasonAndResult);
  CPPUNIT_TEST(afterSevenDaysAFailureIsTheLast);
  CPPUNIT_TEST(anUnknownKindIsDead);
  CPPUNIT_TEST(aHandlerThatThrowsIsTriedAgain);
  CPPUNIT_TEST(theSealedSecretGoesWhenTheJobEnds);
  CPPUNIT_TEST(whatAHandlerDidNotStoreIsForgottenWhenItIsPutBack);
  CPPUNIT_TEST(theLaneThatGoesFirstRunsFirstAndInItTheOldest);
  CPPUNIT_TEST(aPushPassesWhileAllOtherWorkersAreStuck);
  CPPUNIT_TEST(aPushPassesWhileSomebodyLogsIn);
  CPPUNIT_TEST(aWaitingJobRunsAfterTheOneBefore);
  CPPUNIT_TEST(aWaitingJobRunsAfterARefusal);
  CPPUNIT_TEST(aWaitingJobDiesWithTheOneBefore);
  CPPUNIT_TEST(ofOneContactsJobsOfAKindTheOlderGoesFirst);
  CPPUNIT_TEST(jobsOfOtherKindsAndContactsDoNotWait);
  CPPUNIT_TEST(aJobOfAProcessThatDiedIsTakenOverWhenItsLeaseEnds);
  CPPUNIT_TEST(ofTwoDispatchersOneRunsAJob);
  CPPUNIT_TEST(stopFinishesTheJobInHand);
  CPPUNIT_TEST(stopTellsTheHandler);
  CPPUNIT_TEST(stopMayBeRepeatedAndComeWithoutAStart);
  CPPUNIT_TEST(aStoreThatFailsIsAskedAgain);
  CPPUNIT_TEST_SUITE_END();

  // Destroyed last: handlers use them.
  std::atomic<int> runs_{0};
  std::mutex mutex_;
  std::vector<std::string> order_;  // guarded by mutex_
  OutboxRig rig_;

  void handle(const std::string& kind, const Dispatcher::Handler& handler) {
    rig_.dispatcher.handle(kind, [this, handler](Job& job, const StopFlag& stop) {
      const Verdict verdict = handler(job, stop);
      ++runs_;
      return verdict;
    });
  }
  void noteOrder(const Job& job) {
    const std::lock_guard lock(mutex_);
    order_.push_back(job.payload);
  }
  std::vector<std::string> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

  void aJobRunsOnceAndItsEffectsAreInTheCommitThatEndsIt() {
    handle("k", [](Job&, const StopFlag&) {
      return Verdict::done(R"({"x":1})", [](store::Transaction& tx) { tx.setMeta("effect", "1"); });
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT(rig_.meta("effect") == std::optional<std::string>("1"));
    const Job job = rig_.job(id);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"x":1})"), job.result);
    CPPUNIT_ASSERT(job.endedAt == rig_.clock.now());
    rig_.pass(std::chrono::hours{1});
    const JobId next = rig_.add("k");
    rig_.awaitState(next, JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(2, runs_.load());
  }

  void effectsThatFailLeaveTheJobOpen() {
    handle("k", [this](Job&, const StopFlag&) {
      const bool first = runs_ == 0;
      return Verdict::done({}, [first](store::Transaction& tx) {
        tx.setMeta("effect", first ? "first" : "second");
        if (first) throw store::Failed(Error{Code::kUnavailable, "by the test"});
      });
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitThat("run", [&] { return runs_ == 1; });
    CPPUNIT_ASSERT(!rig_.meta("effect"));
    CPPUNIT_ASSERT(isOpen(rig_.job(id).state));
    // Nothing but its lease is left of it.
    rig_.pass(rig_.options.lease + Milliseconds{1});
    rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT(rig_.meta("effect") == std::optional<std::string>("second"));
  }

  void aFailureBacksOffAndIsCounted() {
    handle("k", [](Job&, const StopFlag&) {
      return Verdict::retry({Code::kUnavailable, "no network"});
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    for (int tries = 1; tries <= 5; ++tries) {
      rig_.awaitPutBack(id, runs_, tries);
      const Job job = rig_.job(id);
      CPPUNIT_ASSERT_EQUAL(tries, job.attempts);
      CPPUNIT_ASSERT_EQUAL(std::string("unavailable: no network"), job.reason);
      const auto wait = job.dueAt - rig_.clock.now();
      CPPUNIT_ASSERT(wait >= Milliseconds{250});
      CPPUNIT_ASSERT(wait <= Milliseconds{2000} * (1 << (tries - 1)));
      if (tries < 5) rig_.pass(wait);
    }
  }

  void aNamedDelayIsKeptAndNotCounted() {
    handle("k", [this](Job&, const StopFlag&) {
      if (runs_ > 0) return Verdict::done();
      return Verdict::retry({Code::kUnavailable, "breaker", Milliseconds{7000}});
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitPutBack(id, runs_, 1);
    CPPUNIT_ASSERT_EQUAL(0, rig_.job(id).attempts);
    CPPUNIT_ASSERT(rig_.job(id).dueAt == rig_.clock.now() + Milliseconds{7000});
    rig_.pass(Milliseconds{7000});
    rig_.awaitState(id, JobState::kDone);
  }

  void aBusyOtherSideWithoutADelayIsAskedSoonAgain() {
    const Verdict verdict = Verdict::retry({Code::kBusy, "full"});
    CPPUNIT_ASSERT(verdict.retryAfter == std::optional<Milliseconds>(500));
    CPPUNIT_ASSERT(!Verdict::retry({Code::kUnavailable, "down"}).retryAfter);
  }

  void aRefusalEndsTheJobWithItsReasonAndResult() {
    handle("k", [](Job&, const StopFlag&) {
      return Verdict::refused("[]", "tag 7: no such tag",
                              [](store::Transaction& tx) { tx.setMeta("effect", "refused"); });
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kRefused);
    CPPUNIT_ASSERT_EQUAL(std::string("tag 7: no such tag"), rig_.job(id).reason);
    CPPUNIT_ASSERT_EQUAL(std::string("[]"), rig_.job(id).result);
    CPPUNIT_ASSERT(rig_.meta("effect") == std::optional<std::string>("refused"));
  }

  void afterSevenDaysAFailureIsTheLast() {
    handle("k", [](Job&, const StopFlag&) {
      return Verdict::retry({Code::kUnavailable, "down", Milliseconds{1000}});
    });
    const JobId young =
        rig_.add("k", [this](Job& job) { job.createdAt = rig_.clock.now() - kJobLife; });
    const JobId old = rig_.add("k", [this](Job& job) {
      job.createdAt = rig_.clock.now() - kJobLife - Milliseconds{1};
      job.sealed = "secret";
    });
    rig_.dispatcher.start();
    rig_.awaitState(old, JobState::kDead);
    CPPUNIT_ASSERT_EQUAL(std::string("unavailable: down"), rig_.job(old).reason);
    CPPUNIT_ASSERT(rig_.job(old).sealed.empty());
    rig_.awaitPutBack(young, runs_, 2);
  }

  void anUnknownKindIsDead() {
    const JobId id = rig_.add("never heard of");
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kDead);
    CPPUNIT_ASSERT(rig_.job(id).reason.find("never heard of") != std::string::npos);
  }

  void aHandlerThatThrowsIsTriedAgain() {
    handle("k", [this](Job&, const StopFlag&) {
      if (runs_++ == 0) throw std::runtime_error("a bug");
      return Verdict::done();
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitPutBack(id, runs_, 1);
    CPPUNIT_ASSERT_EQUAL(1, rig_.job(id).attempts);
    rig_.pass(std::chrono::seconds{10});
    rig_.awaitState(id, JobState::kDone);
  }

  void theSealedSecretGoesWhenTheJobEnds() {
    handle("k", [](Job&, const StopFlag&) { return Verdict::done(); });
    const JobId id = rig_.add("k", [](Job& job) { job.sealed = "secret"; });
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT(rig_.job(id).sealed.empty());
  }

  void whatAHandlerDidNotStoreIsForgottenWhenItIsPutBack() {
    handle("k", [this](Job& job, const StopFlag&) {
      job.payload = "stored";
      job.sealed = "stored";
      CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(job).ok());
      job.payload = "not stored";
      job.sealed = "not stored";
      return Verdict::retry({Code::kUnavailable, "down"});
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitPutBack(id, runs_, 1);
    CPPUNIT_ASSERT_EQUAL(std::string("stored"), rig_.job(id).payload);
    CPPUNIT_ASSERT_EQUAL(std::string("stored"), rig_.job(id).sealed);
  }

  void theLaneThatGoesFirstRunsFirstAndInItTheOldest() {
    // Of its two workers one takes these lanes, so they run one by one.
    test::FakeClock& clock = rig_.clock;
    Dispatcher one(rig_.store, clock, rig_.random, rig_.timer, {2, rig_.options.lease});
    std::vector<JobId> ids;
    const auto add = [&](Lane lane, const char* name, int ago) {
      ids.push_back(rig_.add("k", [&](Job& job) {
        job.lane = lane;
        job.payload = name;
        job.dueAt = clock.now() - Milliseconds{ago};
      }));
    };
    add(Lane::kBackfill, "backfill", 9);
    add(Lane::kRefresh, "refresh", 5);
    add(Lane::kPassword, "password, later", 1);
    add(Lane::kPassword, "password, earlier", 2);
    add(Lane::kReconcile, "reconcile", 7);
    one.handle("k", [this](Job& job, const StopFlag&) {
      noteOrder(job);
      return Verdict::done();
    });
    one.start();
    for (const JobId id : ids) rig_.awaitState(id, JobState::kDone);
    one.stop();
    CPPUNIT_ASSERT(order() == std::vector<std::string>({"password, earlier", "password, later",
                                                        "refresh", "reconcile", "backfill"}));
  }

  void aPushPassesWhileAllOtherWorkersAreStuck() {
    Gate gate;
    std::atomic<int> stuck{0};
    handle("stuck", [&](Job&, const StopFlag&) {
      ++stuck;
      rig_.note();
      gate.wait();
      return Verdict::done();
    });
    handle("push", [](Job&, const StopFlag&) { return Verdict::done(); });
    for (int i = 0; i < 10; ++i) rig_.add("stuck");
    rig_.dispatcher.start();
    rig_.awaitThat("stuck", [&] { return stuck == rig_.options.workers - 1; });
    const JobId push = rig_.add("push", [](Job& job) { job.lane = Lane::kSite; });
    rig_.awaitState(push, JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(rig_.options.workers - 1, stuck.load());
    gate.open();
    rig_.dispatcher.stop();
  }

  JobId addBehind(JobId before) {
    return rig_.add("second", [before](Job& job) {
      job.state = JobState::kWaiting;
      job.after = before;
      job.payload = "second";
      job.sealed = "secret";
    });
  }
  void runFirstAs(const Verdict& verdict) {
    handle("first", [this, verdict](Job& job, const StopFlag&) {
      noteOrder(job);
      return verdict;
    });
    handle("second", [this](Job& job, const StopFlag&) {
      noteOrder(job);
      return Verdict::done();
    });
  }

  void aPushPassesWhileSomebodyLogsIn() {
    handle("k", [](Job&, const StopFlag&) { return Verdict::done(); });
    const JobId push = rig_.add("k", [](Job& job) { job.lane = Lane::kSite; });
    const JobId other = rig_.add("k");
    std::optional<RightOfWay::Hold> login(&rig_.database->loginsFirst());
    rig_.dispatcher.start();
    rig_.awaitState(push, JobState::kDone);
    CPPUNIT_ASSERT(rig_.job(other).state == JobState::kQueued);
    login.reset();
    rig_.awaitState(other, JobState::kDone);
  }

  void aWaitingJobRunsAfterTheOneBefore() {
    runFirstAs(Verdict::done());
    const JobId first = rig_.add("first", [](Job& job) { job.payload = "first"; });
    const JobId second = addBehind(first);
    CPPUNIT_ASSERT(rig_.job(second).state == JobState::kWaiting);
    rig_.dispatcher.start();
    rig_.awaitState(second, JobState::kDone);
    CPPUNIT_ASSERT(order() == std::vector<std::string>({"first", "second"}));
  }

  void aWaitingJobRunsAfterARefusal() {
    runFirstAs(Verdict::refused("", "no"));
    const JobId second = addBehind(rig_.add("first"));
    rig_.dispatcher.start();
    rig_.awaitState(second, JobState::kDone);
  }

  void aWaitingJobDiesWithTheOneBefore() {
    runFirstAs(Verdict::dead("no such contact"));
    const JobId second = addBehind(rig_.add("first"));
    const JobId third = addBehind(second);
    rig_.dispatcher.start();
    rig_.awaitState(third, JobState::kDead);
    CPPUNIT_ASSERT(rig_.job(second).state == JobState::kDead);
    CPPUNIT_ASSERT(rig_.job(second).sealed.empty());
    CPPUNIT_ASSERT(!rig_.job(second).reason.empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, order().size());
  }

  static void ofContact(Job& job, ContactId contact, const char* payload) {
    job.contactId = contact;
    job.payload = payload;
  }

  void ofOneContactsJobsOfAKindTheOlderGoesFirst() {
    handle("k", [this](Job& job, const StopFlag&) {
      noteOrder(job);
      const bool first = order().size() == 1;
      if (first) return Verdict::retry({Code::kBusy, "later", Milliseconds{60000}});
      return Verdict::done();
    });
    const JobId older = rig_.add("k", [](Job& job) { ofContact(job, 42, "older"); });
    const JobId newer = rig_.add("k", [](Job& job) { ofContact(job, 42, "newer"); });
    const JobId other = rig_.add("other", [](Job& job) { ofContact(job, 42, "other"); });
    handle("other", [](Job&, const StopFlag&) { return Verdict::done(); });
    rig_.dispatcher.start();
    rig_.awaitState(other, JobState::kDone);
    rig_.awaitThat("put back",
                   [&] { return runs_ == 2 && rig_.job(older).state == JobState::kQueued; });
    CPPUNIT_ASSERT(rig_.job(newer).state == JobState::kQueued);
    rig_.pass(Milliseconds{60000});
    rig_.awaitState(newer, JobState::kDone);
    CPPUNIT_ASSERT(order() == std::vector<std::string>({"older", "older", "newer"}));
  }

  void jobsOfOtherKindsAndContactsDoNotWait() {
    Gate gate;
    handle("k", [&](Job& job, const StopFlag&) {
      if (job.contactId == std::optional<ContactId>(42)) gate.wait();
      return Verdict::done();
    });
    handle("other", [](Job&, const StopFlag&) { return Verdict::done(); });
    const JobId slow = rig_.add("k", [](Job& job) { ofContact(job, 42, "slow"); });
    const JobId contact = rig_.add("k", [](Job& job) { ofContact(job, 43, "43"); });
    const JobId kind = rig_.add("other", [](Job& job) { ofContact(job, 42, "other"); });
    const JobId nobodys = rig_.add("k");
    rig_.dispatcher.start();
    for (const JobId id : {contact, kind, nobodys}) rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT(isOpen(rig_.job(slow).state));
    gate.open();
    rig_.dispatcher.stop();
  }

  void aJobOfAProcessThatDiedIsTakenOverWhenItsLeaseEnds() {
    handle("k", [](Job&, const StopFlag&) { return Verdict::done(); });
    const JobId id = rig_.add("k");
    rig_.claim();
    rig_.dispatcher.start();
    rig_.pass(rig_.options.lease - Milliseconds{1});
    const JobId probe = rig_.add("k");
    rig_.awaitState(probe, JobState::kDone);
    CPPUNIT_ASSERT(rig_.job(id).state == JobState::kRunning);
    rig_.pass(Milliseconds{1});
    rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(2, runs_.load());
  }

  void ofTwoDispatchersOneRunsAJob() {
    Dispatcher other(rig_.store, rig_.clock, rig_.random, rig_.timer, rig_.options);
    const Dispatcher::Handler handler = [this](Job& job, const StopFlag&) {
      noteOrder(job);
      return Verdict::done();
    };
    handle("k", handler);
    other.handle("k", handler);
    rig_.dispatcher.start();
    other.start();
    std::vector<JobId> ids;
    for (int i = 0; i < 40; ++i) {
      ids.push_back(rig_.add("k", [i](Job& job) { job.payload = std::to_string(i); }));
    }
    other.wake();
    for (const JobId id : ids) rig_.awaitState(id, JobState::kDone);
    other.stop();
    CPPUNIT_ASSERT_EQUAL(std::size_t{40}, order().size());
  }

  void stopFinishesTheJobInHand() {
    Gate begun;
    Gate gate;
    handle("k", [&](Job&, const StopFlag&) {
      begun.open();
      gate.wait();
      return Verdict::done();
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    begun.wait();
    std::thread stopper([this] { rig_.dispatcher.stop(); });
    gate.open();
    stopper.join();
    CPPUNIT_ASSERT(rig_.job(id).state == JobState::kDone);
  }

  void stopTellsTheHandler() {
    Gate begun;
    handle("k", [&](Job&, const StopFlag& stop) {
      begun.open();
      stop.waitUntil(std::chrono::steady_clock::now() + kPatience);
      CPPUNIT_ASSERT(stop.raised());
      return Verdict::retry({Code::kBusy, "stopping", Milliseconds{0}});
    });
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    begun.wait();
    rig_.dispatcher.stop();
    const Job job = rig_.job(id);
    CPPUNIT_ASSERT(job.state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(0, job.attempts);
    CPPUNIT_ASSERT(job.dueAt == rig_.clock.now());
  }

  void stopMayBeRepeatedAndComeWithoutAStart() {
    rig_.dispatcher.stop();
    rig_.dispatcher.stop();
  }

  void aStoreThatFailsIsAskedAgain() {
    handle("k", [](Job&, const StopFlag&) { return Verdict::done(); });
    rig_.store.failAt(test::FailingStore::Step::kWork, 1);
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(1, rig_.store.failed());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DispatcherTest);

}  // namespace mbr::outbox
