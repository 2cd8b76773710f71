#include "outbox/rig.h"

namespace mbr::outbox {

class CheckpointTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CheckpointTest);
  CPPUNIT_TEST(aCheckpointStoresProgressAndRenewsTheLease);
  CPPUNIT_TEST(whatComesAlongIsInTheSameCommitAndMayChangeTheJob);
  CPPUNIT_TEST(aCheckpointThatFailsStoresNothing);
  CPPUNIT_TEST(aLeaseThatAnotherTookIsNoticedAndNothingIsWritten);
  CPPUNIT_TEST(aLostLeaseIsNoticedAlsoOnceTheOtherHasPutTheJobBack);
  CPPUNIT_TEST(aLostLeaseIsNoticedAlsoOnceTheJobHasEnded);
  CPPUNIT_TEST(whoLostHisJobDoesNotEndIt);
  CPPUNIT_TEST_SUITE_END();

  OutboxRig rig_;

  JobId add() {
    return rig_.add("k", [](Job& job) { job.payload = "before"; });
  }
  void save(const Job& job) {
    rig_.database->write([&](store::Transaction& tx) { CPPUNIT_ASSERT(tx.saveJob(job)); });
  }

  void aCheckpointStoresProgressAndRenewsTheLease() {
    const JobId id = add();
    Job job = rig_.claim();
    rig_.clock.advance(std::chrono::minutes{1});
    job.payload = "after";
    job.sealed = "sealed";
    CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(job).ok());
    const Job stored = rig_.job(id);
    CPPUNIT_ASSERT_EQUAL(std::string("after"), stored.payload);
    CPPUNIT_ASSERT_EQUAL(std::string("sealed"), stored.sealed);
    CPPUNIT_ASSERT(stored.state == JobState::kRunning);
    CPPUNIT_ASSERT(stored.leaseUntil == rig_.clock.now() + rig_.options.lease);
    CPPUNIT_ASSERT(job.leaseUntil == stored.leaseUntil);
    rig_.clock.advance(std::chrono::minutes{1});
    CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(job).ok());
  }

  void whatComesAlongIsInTheSameCommitAndMayChangeTheJob() {
    const JobId id = add();
    Job job = rig_.claim();
    const Outcome saved = rig_.dispatcher.checkpoint(job, [&](store::Transaction& tx) {
      tx.setMeta("along", "1");
      job.payload = "changed along";
    });
    CPPUNIT_ASSERT(saved.ok());
    CPPUNIT_ASSERT(rig_.meta("along").has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("changed along"), rig_.job(id).payload);
  }

  void aCheckpointThatFailsStoresNothing() {
    const JobId id = add();
    Job job = rig_.claim();
    const Instant lease = job.leaseUntil;
    rig_.clock.advance(Milliseconds{10});
    job.payload = "after";
    rig_.store.failAt(test::FailingStore::Step::kWork);
    const Outcome failed =
        rig_.dispatcher.checkpoint(job, [](store::Transaction& tx) { tx.setMeta("along", "1"); });
    CPPUNIT_ASSERT(failed.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(job.leaseUntil == lease);
    CPPUNIT_ASSERT(!rig_.meta("along"));
    CPPUNIT_ASSERT_EQUAL(std::string("before"), rig_.job(id).payload);
    CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(job).ok());
  }

  void expectLost(Job& job, const std::string& payload) {
    job.payload = "of him who lost it";
    const Outcome lost =
        rig_.dispatcher.checkpoint(job, [](store::Transaction& tx) { tx.setMeta("along", "1"); });
    CPPUNIT_ASSERT(!lost.ok());
    CPPUNIT_ASSERT(lost.error().code == Code::kConflict);
    CPPUNIT_ASSERT(!rig_.meta("along"));
    CPPUNIT_ASSERT_EQUAL(payload, rig_.job(job.id).payload);
  }
  Job takeOver() {
    rig_.clock.advance(rig_.options.lease + Milliseconds{1});
    return rig_.claim();
  }

  void aLeaseThatAnotherTookIsNoticedAndNothingIsWritten() {
    add();
    Job lost = rig_.claim();
    Job taken = takeOver();
    expectLost(lost, "before");
    taken.payload = "of the other";
    CPPUNIT_ASSERT(rig_.dispatcher.checkpoint(taken).ok());
    expectLost(lost, "of the other");
  }

  void aLostLeaseIsNoticedAlsoOnceTheOtherHasPutTheJobBack() {
    add();
    Job lost = rig_.claim();
    Job taken = takeOver();
    taken.payload = "of the other";
    taken.state = JobState::kQueued;
    taken.dueAt = rig_.clock.now() + std::chrono::hours{1};
    save(taken);
    expectLost(lost, "of the other");
  }

  void aLostLeaseIsNoticedAlsoOnceTheJobHasEnded() {
    add();
    Job lost = rig_.claim();
    Job taken = takeOver();
    taken.state = JobState::kDropped;
    save(taken);
    expectLost(lost, "before");
  }

  void whoLostHisJobDoesNotEndIt() {
    Gate begun;
    Gate gate;
    const JobId id = add();
    // Of its two workers one takes this lane, and it is held.
    Dispatcher one(rig_.store, rig_.clock, rig_.random, rig_.timer, {2, rig_.options.lease});
    one.handle("k", [&](Job&, const StopFlag&) {
      begun.open();
      gate.wait();
      return Verdict::done("lost", [](store::Transaction& tx) { tx.setMeta("effect", "1"); });
    });
    one.start();
    begun.wait();
    Job taken = takeOver();
    taken.payload = "of the other";
    taken.state = JobState::kQueued;
    taken.dueAt = rig_.clock.now() + std::chrono::hours{1};
    save(taken);
    gate.open();
    one.stop();
    CPPUNIT_ASSERT(rig_.job(id).state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(std::string("of the other"), rig_.job(id).payload);
    CPPUNIT_ASSERT(!rig_.meta("effect"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CheckpointTest);

}  // namespace mbr::outbox
