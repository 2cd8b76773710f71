#include "members/delivery_rig.h"
#include "ops/metrics.h"

namespace mbr::members {

using namespace std::chrono_literals;

// One refresh per contact: who asks for it, who hurries it, and which read does its work.
class RefreshQueueTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RefreshQueueTest);
  CPPUNIT_TEST(aRefreshWaitsAMoment);
  CPPUNIT_TEST(whatComesLaterDoesNotPutItOff);
  CPPUNIT_TEST(oneThatWaitsForItsNextTryIsBroughtForward);
  CPPUNIT_TEST(aMoreUrgentLaneIsTakenOverAndALessUrgentOneIsNot);
  CPPUNIT_TEST(newsThatNoRowShowsAreNoted);
  CPPUNIT_TEST(anEmailIsLearntAndNotForgotten);
  CPPUNIT_TEST(oneThatRunsIsLeftAloneAndAnotherWaits);
  CPPUNIT_TEST(theOneBehindIsTheOnlyOneOnceTheOtherHasEnded);
  CPPUNIT_TEST(aReadThatWasSentAfterwardsEndsIt);
  CPPUNIT_TEST(aReadThatWasSentBeforeDoesNot);
  CPPUNIT_TEST(aReadThatWasSentBeforeTheNewsDoesNot);
  CPPUNIT_TEST(oneThatRunsEndsItself);
  CPPUNIT_TEST(aReadEndsTheOneThatWaitsBehindOneThatRuns);
  CPPUNIT_TEST(aReadEndsTheOneThatIsLeft);
  CPPUNIT_TEST(anotherContactsRefreshStays);
  CPPUNIT_TEST(withoutARefreshNothingHappens);
  CPPUNIT_TEST(aSnapshotThatIsTakenInEndsIt);
  CPPUNIT_TEST(aSnapshotThatIsOutdatedDoesNot);
  CPPUNIT_TEST(aSnapshotAfterAnUnclearBodyMustHaveBeenSentAfterIt);
  CPPUNIT_TEST(whatBecomesOfThemIsCounted);
  CPPUNIT_TEST_SUITE_END();

  test::DeliveryRig rig_;

  JobId enqueue(WhoPayload who = {42, ""}, Lane lane = Lane::kRefresh) {
    JobId id = 0;
    rig_.write([&](store::Transaction& tx) { id = enqueueRefresh(tx, who, lane); });
    return id;
  }
  void satisfy(Instant sentAt, ContactId id = 42) {
    rig_.write([&](store::Transaction& tx) { satisfyRefresh(tx, id, sentAt); });
  }
  void satisfy() {
    rig_.clock.advance(1ms);
    satisfy(rig_.clock.now());
  }
  Job job(JobId id) { return *rig_.job(id); }
  void expectOpen(JobId id) { CPPUNIT_ASSERT(isOpen(job(id).state)); }
  void expectDone(JobId id) {
    CPPUNIT_ASSERT(job(id).state == JobState::kDone);
    CPPUNIT_ASSERT(job(id).endedAt == rig_.clock.now());
  }
  void change(JobId id, const std::function<void(Job&)>& how) {
    rig_.write([&](store::Transaction& tx) {
      Job job = *tx.findJob(id);
      how(job);
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
  }
  void end(JobId id) {
    change(id, [](Job& job) { job.state = JobState::kDone; });
  }
  std::size_t refreshes() { return rig_.jobsOf(kRefreshJob).size(); }
  ContactSnapshot snapshot() {
    rig_.clock.advance(1ms);
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = test::email("a@example.com");
    snapshot.fields.emplace();
    snapshot.tags.emplace();
    snapshot.lists.emplace();
    snapshot.sentAt = rig_.clock.now();
    return snapshot;
  }
  void apply(const ContactSnapshot& snapshot) {
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, snapshot); });
  }

  void aRefreshWaitsAMoment() {
    const Job fresh = job(enqueue());
    CPPUNIT_ASSERT(fresh.dueAt == rig_.clock.now() + kRefreshDelay);
    CPPUNIT_ASSERT(fresh.lane == Lane::kRefresh);
    CPPUNIT_ASSERT(fresh.contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(readWhoPayload(fresh.payload)->askedAt == Instant{});
  }

  void whatComesLaterDoesNotPutItOff() {
    const JobId id = enqueue();
    const Instant due = job(id).dueAt;
    rig_.clock.advance(200ms);
    CPPUNIT_ASSERT_EQUAL(id, enqueue());
    CPPUNIT_ASSERT(job(id).dueAt == due);
  }

  void oneThatWaitsForItsNextTryIsBroughtForward() {
    const JobId id = enqueue();
    change(id, [&](Job& late) {
      late.dueAt = rig_.clock.now() + 1h;
      late.attempts = 7;
    });
    CPPUNIT_ASSERT_EQUAL(id, enqueue());
    CPPUNIT_ASSERT(job(id).dueAt == rig_.clock.now() + kRefreshDelay);
    CPPUNIT_ASSERT_EQUAL(7, job(id).attempts);
    CPPUNIT_ASSERT(job(id).state == JobState::kQueued);
  }

  void aMoreUrgentLaneIsTakenOverAndALessUrgentOneIsNot() {
    const JobId id = enqueue({42, ""}, Lane::kReconcile);
    enqueue({42, ""}, Lane::kRefresh);
    CPPUNIT_ASSERT(job(id).lane == Lane::kRefresh);
    enqueue({42, ""}, Lane::kBackfill);
    CPPUNIT_ASSERT(job(id).lane == Lane::kRefresh);
  }

  void newsThatNoRowShowsAreNoted() {
    const JobId id = enqueue();
    rig_.clock.advance(10ms);
    const Instant asked = rig_.clock.now();
    enqueue({42, "", asked});
    CPPUNIT_ASSERT(readWhoPayload(job(id).payload)->askedAt == asked);
    CPPUNIT_ASSERT(readWhoPayload(job(id).payload)->contactId == std::optional<ContactId>(42));
    rig_.clock.advance(10ms);
    enqueue();
    CPPUNIT_ASSERT(readWhoPayload(job(id).payload)->askedAt == asked);
  }

  // By it a merged contact is found.
  void anEmailIsLearntAndNotForgotten() {
    const JobId id = enqueue();
    enqueue({42, "a@example.com"});
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), readWhoPayload(job(id).payload)->email);
    enqueue();
    enqueue({42, "b@example.com"});
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), readWhoPayload(job(id).payload)->email);
  }

  void oneThatRunsIsLeftAloneAndAnotherWaits() {
    const JobId running = enqueue();
    rig_.claim();
    const Job before = job(running);
    const JobId behind = enqueue({42, "", rig_.clock.now()});
    CPPUNIT_ASSERT(behind != running);
    CPPUNIT_ASSERT_EQUAL(behind, enqueue());
    CPPUNIT_ASSERT_EQUAL(before.payload, job(running).payload);
    CPPUNIT_ASSERT(job(running).leaseUntil == before.leaseUntil);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, refreshes());
  }

  void theOneBehindIsTheOnlyOneOnceTheOtherHasEnded() {
    const JobId running = enqueue();
    rig_.claim();
    const JobId behind = enqueue();
    end(running);
    CPPUNIT_ASSERT_EQUAL(behind, enqueue());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, refreshes());
    // And the same again while it runs.
    CPPUNIT_ASSERT_EQUAL(behind, rig_.claim().id);
    const JobId next = enqueue();
    CPPUNIT_ASSERT(next != behind);
    CPPUNIT_ASSERT_EQUAL(next, enqueue());
  }

  void aReadThatWasSentAfterwardsEndsIt() {
    const JobId id = enqueue();
    satisfy();
    expectDone(id);
    CPPUNIT_ASSERT(!rig_.openJob(kRefreshJob, "42"));
  }

  void aReadThatWasSentBeforeDoesNot() {
    const JobId id = enqueue();
    satisfy(rig_.clock.now() - 1ms);
    satisfy(rig_.clock.now());
    expectOpen(id);
  }

  void aReadThatWasSentBeforeTheNewsDoesNot() {
    const JobId id = enqueue();
    rig_.clock.advance(10ms);
    const Instant asked = rig_.clock.now();
    enqueue({42, "", asked});
    satisfy(asked - 1ms);
    satisfy(asked);
    expectOpen(id);
    satisfy(asked + 1ms);
    CPPUNIT_ASSERT(job(id).state == JobState::kDone);
  }

  void oneThatRunsEndsItself() {
    const JobId id = enqueue();
    rig_.claim();
    satisfy();
    CPPUNIT_ASSERT(job(id).state == JobState::kRunning);
  }

  void aReadEndsTheOneThatWaitsBehindOneThatRuns() {
    const JobId running = enqueue();
    rig_.claim();
    const JobId behind = enqueue();
    satisfy(rig_.clock.now());  // the read of the one that runs, sent before
    expectOpen(behind);
    satisfy();
    expectDone(behind);
    CPPUNIT_ASSERT(job(running).state == JobState::kRunning);
  }

  void aReadEndsTheOneThatIsLeft() {
    const JobId running = enqueue();
    rig_.claim();
    const JobId behind = enqueue();
    end(running);
    satisfy();
    expectDone(behind);
  }

  void anotherContactsRefreshStays() {
    const JobId other = enqueue({43, ""});
    const JobId nameless = enqueue({std::nullopt, "a@example.com"});
    satisfy();
    expectOpen(other);
    expectOpen(nameless);
  }

  void withoutARefreshNothingHappens() {
    satisfy();
    CPPUNIT_ASSERT(rig_.jobs().empty());
  }

  void aSnapshotThatIsTakenInEndsIt() {
    rig_.apply(test::DeliveryRig::body(42, "a@example.com"));
    const JobId id = rig_.openJob(kRefreshJob, "42").value().id;
    apply(snapshot());
    expectDone(id);
  }

  void aSnapshotThatIsOutdatedDoesNot() {
    const JobId id = enqueue();
    const ContactSnapshot early = snapshot();
    rig_.clock.advance(1ms);
    rig_.known(42, "a@example.com");
    apply(early);
    expectOpen(id);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  // It changed no row, so the row does not tell when it came.
  void aSnapshotAfterAnUnclearBodyMustHaveBeenSentAfterIt() {
    rig_.known(42, "a@example.com");
    const JobId id = enqueue();
    const ContactSnapshot early = snapshot();
    rig_.clock.advance(1ms);
    Delivery idOnly = test::DeliveryRig::body(42, "a@example.com");
    idOnly.email.reset();
    rig_.apply(idOnly);
    apply(early);
    expectOpen(id);
    apply(snapshot());
    expectDone(id);
  }

  void whatBecomesOfThemIsCounted() {
    const auto counted = [](const char* result) {
      return ops::counter("membergate_refreshes_total", "", {{"result", result}}).value();
    };
    const double queued = counted("queued");
    const double coalesced = counted("coalesced");
    const double satisfied = counted("satisfied");
    enqueue();
    enqueue();
    enqueue();
    enqueue({43, ""});
    satisfy(rig_.clock.now());
    CPPUNIT_ASSERT_EQUAL(satisfied, counted("satisfied"));
    satisfy();
    satisfy();
    CPPUNIT_ASSERT_EQUAL(queued + 2, counted("queued"));
    CPPUNIT_ASSERT_EQUAL(coalesced + 2, counted("coalesced"));
    CPPUNIT_ASSERT_EQUAL(satisfied + 1, counted("satisfied"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RefreshQueueTest);

// membergate_deliveries_applied_total.
class DeliveryEffectsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DeliveryEffectsTest);
  CPPUNIT_TEST(eachBodyIsCountedOnceByWhatItDid);
  CPPUNIT_TEST(aBodyThatWasNotKeptIsNotCounted);
  CPPUNIT_TEST_SUITE_END();

  test::DeliveryRig rig_;
  using Counts = std::vector<double>;

  static Counts counts() {
    Counts all;
    for (const char* effect : {"changed", "unchanged", "outdated", "unclear"}) {
      all.push_back(
          ops::counter("membergate_deliveries_applied_total", "", {{"effect", effect}}).value());
    }
    return all;
  }
  void expect(const Counts& more, const Delivery& delivery) {
    Counts expected = counts();
    for (std::size_t i = 0; i < more.size(); ++i) expected[i] += more[i];
    rig_.apply(delivery);
    CPPUNIT_ASSERT(counts() == expected);
  }

  void eachBodyIsCountedOnceByWhatItDid() {
    Delivery body = test::DeliveryRig::body(42, "a@example.com");
    body.happenedAt = rig_.clock.now();
    expect({1, 0, 0, 0}, body);
    expect({0, 1, 0, 0}, body);
    Delivery older = body;
    older.firstName = "Of before";
    older.happenedAt = rig_.clock.now() - 1min;
    expect({0, 0, 1, 0}, older);
    Delivery idOnly = body;
    idOnly.email.reset();
    expect({0, 0, 0, 1}, idOnly);
    expect({0, 1, 0, 0}, test::DeliveryRig::genpass(42, "a@example.com"));
  }

  void aBodyThatWasNotKeptIsNotCounted() {
    const Counts before = counts();
    rig_.store.failAt(test::FailingStore::Step::kWork);
    CPPUNIT_ASSERT(!rig_.tryApply(test::DeliveryRig::body(42, "a@example.com")).ok());
    CPPUNIT_ASSERT(counts() == before);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DeliveryEffectsTest);

}  // namespace mbr::members
