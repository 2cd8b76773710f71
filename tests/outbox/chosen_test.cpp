#include <algorithm>

#include "outbox/rig.h"

namespace mbr::outbox {

using Ids = std::vector<JobId>;

// A dispatcher that keeps to some jobs.
class ChosenTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChosenTest);
  CPPUNIT_TEST(noOtherJobIsTouched);
  CPPUNIT_TEST(theJobThatOneWaitsForIsRunFirst);
  CPPUNIT_TEST(anOlderJobOfItsContactIsRunFirst);
  CPPUNIT_TEST(anOlderJobThatIsNotDueKeepsItBack);
  CPPUNIT_TEST(oneThatFailedWaitsForItsTime);
  CPPUNIT_TEST(oneWhoseLeaseEndedIsTakenOver);
  CPPUNIT_TEST(oneThatAnotherProcessRunsIsLeftToIt);
  CPPUNIT_TEST(enoughOfThemGoTogetherAndOthersDoNotGoAlong);
  CPPUNIT_TEST(whatHasEndedIsNothing);
  CPPUNIT_TEST_SUITE_END();

  // Destroyed last: handlers use them.
  std::mutex mutex_;
  Ids ran_;  // guarded by mutex_
  std::atomic<int> runs_{0};
  OutboxRig rig_;

 public:
  void setUp() override {
    rig_.dispatcher.handle("k", [this](Job& job, const StopFlag&) {
      note({job});
      return job.payload == "fails" ? Verdict::retry({Code::kUnavailable, "down"})
                                    : Verdict::done();
    });
  }

 private:
  void note(const std::vector<Job>& jobs) {
    const std::lock_guard lock(mutex_);
    for (const Job& job : jobs) ran_.push_back(job.id);
    ++runs_;
  }
  Ids ran() {
    const std::lock_guard lock(mutex_);
    return ran_;
  }
  JobId add(const std::function<void(Job&)>& with = {}) { return rig_.add("k", with); }
  JobId addFor(ContactId contact, Milliseconds later = {}) {
    return add([&](Job& job) {
      job.contactId = contact;
      job.dueAt += later;
    });
  }
  void awaitDone(const Ids& ids) {
    for (const JobId id : ids) rig_.awaitState(id, JobState::kDone);
  }
  // The time moves on meanwhile, as it does for who looks again after a while.
  void awaitDoneAsTimePasses(JobId id) {
    rig_.awaitThat("done", [&] {
      rig_.pass(Milliseconds{200});
      return rig_.job(id).state == JobState::kDone;
    });
  }

  void noOtherJobIsTouched() {
    const JobId other = add([](Job& job) { job.lane = Lane::kLogin; });
    const JobId one = add();
    const JobId another = add([](Job& job) { job.lane = Lane::kBackfill; });
    rig_.dispatcher.startWith({one, another});
    awaitDone({one, another});
    rig_.dispatcher.stop();
    CPPUNIT_ASSERT(rig_.job(other).state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(2, runs_.load());
  }

  void theJobThatOneWaitsForIsRunFirst() {
    const JobId first = add();
    const JobId second = add([&](Job& job) {
      job.after = first;
      job.state = JobState::kWaiting;
    });
    rig_.dispatcher.startWith({second});
    awaitDoneAsTimePasses(second);
    CPPUNIT_ASSERT(ran() == Ids({first, second}));
  }

  void anOlderJobOfItsContactIsRunFirst() {
    const JobId older = addFor(7);
    const JobId ours = addFor(7);
    const JobId younger = addFor(7);
    rig_.dispatcher.startWith({ours});
    awaitDoneAsTimePasses(ours);
    rig_.dispatcher.stop();
    CPPUNIT_ASSERT(ran() == Ids({older, ours}));
    CPPUNIT_ASSERT(rig_.job(younger).state == JobState::kQueued);
  }

  void anOlderJobThatIsNotDueKeepsItBack() {
    const JobId older = addFor(7, std::chrono::hours{1});
    const JobId ours = addFor(7);
    const JobId free = addFor(8);
    rig_.dispatcher.startWith({ours, free});
    awaitDone({free});
    CPPUNIT_ASSERT(rig_.job(ours).state == JobState::kQueued);
    rig_.pass(std::chrono::hours{1});
    awaitDoneAsTimePasses(ours);
    CPPUNIT_ASSERT(ran() == Ids({free, older, ours}));
  }

  void oneThatFailedWaitsForItsTime() {
    const JobId id = add([](Job& job) { job.payload = "fails"; });
    rig_.dispatcher.startWith({id});
    rig_.awaitPutBack(id, runs_, 1);
    rig_.pass(std::chrono::seconds{5});
    rig_.awaitPutBack(id, runs_, 2);
    CPPUNIT_ASSERT_EQUAL(2, rig_.job(id).attempts);
  }

  void oneWhoseLeaseEndedIsTakenOver() {
    const JobId id = add();
    rig_.claim();
    rig_.clock.advance(rig_.options.lease + Milliseconds{1});
    rig_.dispatcher.startWith({id});
    awaitDone({id});
  }

  void oneThatAnotherProcessRunsIsLeftToIt() {
    const JobId theirs = add();
    rig_.claim();
    const JobId ours = add();
    rig_.dispatcher.startWith({theirs, ours});
    awaitDone({ours});
    rig_.dispatcher.stop();
    CPPUNIT_ASSERT(rig_.job(theirs).state == JobState::kRunning);
    CPPUNIT_ASSERT(ran() == Ids({ours}));
  }

  void enoughOfThemGoTogetherAndOthersDoNotGoAlong() {
    std::vector<Ids> batches;
    std::mutex mutex;
    rig_.dispatcher.handleTogether("k",
                                   {3, 10, [](const Job&, Instant) { return true; },
                                    [&](std::vector<Job>& jobs, const StopFlag&) {
                                      note(jobs);
                                      const std::lock_guard lock(mutex);
                                      batches.emplace_back();
                                      for (const Job& job : jobs) {
                                        batches.back().push_back(job.id);
                                      }
                                      return std::vector<Verdict>{jobs.size(), Verdict::done()};
                                    }});
    const JobId other = add();
    const Ids ids{add(), add(), add()};
    const JobId last = add();
    rig_.dispatcher.startWith(ids);
    awaitDone(ids);
    rig_.dispatcher.stop();
    CPPUNIT_ASSERT(batches == std::vector<Ids>{ids});
    for (const JobId id : {other, last}) CPPUNIT_ASSERT(rig_.job(id).state == JobState::kQueued);
  }

  void whatHasEndedIsNothing() {
    const JobId one = add();
    rig_.database->write([&](store::Transaction& tx) {
      Job job = *tx.findJob(one);
      job.state = JobState::kDropped;
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    const JobId other = add();
    rig_.dispatcher.startWith({one, 4711, other});
    awaitDone({other});
    CPPUNIT_ASSERT(ran() == Ids({other}));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChosenTest);

}  // namespace mbr::outbox
