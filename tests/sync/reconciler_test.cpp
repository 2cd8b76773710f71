#include "sync/reconciler.h"

#include "base/time_format.h"
#include "ops/metrics.h"
#include "sync/captured_log.h"
#include "sync/rig.h"

namespace mbr::sync {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

class ReconcilerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReconcilerTest);
  CPPUNIT_TEST(theFirstPassReadsAllAndSetsTheCursorToTheGreatestUdate);
  CPPUNIT_TEST(theCursorIsNeverBeyondTheStartOfThePass);
  CPPUNIT_TEST(anEmptyAccountKeepsTheCursor);
  CPPUNIT_TEST(theCursorDoesNotGoBack);
  CPPUNIT_TEST(aPassOverChangesAsksWithAnOverlap);
  CPPUNIT_TEST(aGapThatReachesFurtherBackThanTheCursorIsAskedForWhole);
  CPPUNIT_TEST(theOverlapIsShortOnceTheFilterIsKnownToBeFiner);
  CPPUNIT_TEST(theOverlapIsWholeAfterAStart);
  CPPUNIT_TEST(theOverlapIsWholeOnceADay);
  CPPUNIT_TEST(aFilterByDayKeepsTheOverlapWhole);
  CPPUNIT_TEST(aFilterThatTurnsOutCoarseBringsTheWholeOverlapBack);
  CPPUNIT_TEST(aPassThatFailsMovesNothingAndGoesOnWhereItWas);
  CPPUNIT_TEST(aPassThatIsStoppedMovesNothing);
  CPPUNIT_TEST(aCommitThatFailsLeavesThePageToBeReadAgain);
  CPPUNIT_TEST(anotherProcessTakesOverAfterTheLeaseAndNotBefore);
  CPPUNIT_TEST(anotherProcessTakesOverARelease);
  CPPUNIT_TEST(aLeaseOfBeforeTheClockWasSetBackHoldsNobody);
  CPPUNIT_TEST(whoLostThePassToAnotherChangesNothingMore);
  CPPUNIT_TEST(aPassOverChangesThatIsADayOldIsMadeAnew);
  CPPUNIT_TEST(anEmptyPageInTheMiddleIsNotTheEnd);
  CPPUNIT_TEST(anEmptyPageThoughContactsRemainIsAnError);
  CPPUNIT_TEST(aShortPageInTheMiddleIsNotTheEnd);
  CPPUNIT_TEST(fullPagesEndWithTwoEmptyOnes);
  CPPUNIT_TEST(aContactThatIsMissingIsReadByItsIdAtTheEndOnly);
  CPPUNIT_TEST(aMissingContactThatIsThereStays);
  CPPUNIT_TEST(aPassOverChangesMissesNobody);
  CPPUNIT_TEST(aMergedContactsCredentialSessionAndChangesMove);
  CPPUNIT_TEST(aContactMergedIntoALaterIdMovesAsWell);
  CPPUNIT_TEST(aMergedContactWhoseReadWasAskedForBeforeMovesAsWell);
  CPPUNIT_TEST(aMergedContactsOwnCredentialWins);
  CPPUNIT_TEST(tooManyMissingSuspendAndTheOperatorsWordGoesOn);
  CPPUNIT_TEST(onePercentMayBeMissing);
  CPPUNIT_TEST(anEmptyAnswerForAllDeletesNobody);
  CPPUNIT_TEST(aLaterFullPassThatMissesNobodyEndsTheSuspension);
  CPPUNIT_TEST(contactsThatCameWhileThePassRanAreNotMissing);
  CPPUNIT_TEST(aContactThatComesBackIsNoLongerDeleted);
  CPPUNIT_TEST(whatOnlyAPassFindsIsCountedInEventMode);
  CPPUNIT_TEST(theFirstPassCountsNothing);
  CPPUNIT_TEST(whatAWebhookToldOfIsNotCounted);
  CPPUNIT_TEST(whatAWebhookToldOfDuringAReadIsNotCounted);
  CPPUNIT_TEST(inAutomationModeNothingIsCounted);
  CPPUNIT_TEST(aGapThatOpensWhileAPassRunsGetsOneOfItsOwn);
  CPPUNIT_TEST(anEndedPassClosesItsGapsAlone);
  CPPUNIT_TEST(aFullGapMakesThePassFull);
  CPPUNIT_TEST(aShedGapWaitsForQuiet);
  CPPUNIT_TEST(aFloodIsNotWaitedForWithoutEnd);
  CPPUNIT_TEST(withoutAGapNothingIsAsked);
  CPPUNIT_TEST(theTimersGapsAreOpenedOnce);
  CPPUNIT_TEST(aStartOpensTheGapOfTheTimeBefore);
  CPPUNIT_TEST(anOpenGapTakesTheCoverAway);
  CPPUNIT_TEST(partsThatPagesLackAreReadSingly);
  CPPUNIT_TEST(withoutPartsOnlyWhoChangedIsReadSingly);
  CPPUNIT_TEST(whomTheRuleCoversGetsOnePassword);
  CPPUNIT_TEST(whoWasNotTouchedSinceTheInstallationGetsNone);
  CPPUNIT_TEST(aRefreshThatWaitedIsEndedByThePage);
  CPPUNIT_TEST(aRefreshAskedForAfterThePageIsNot);
  CPPUNIT_TEST(aBodyThatCameAfterThePageWins);
  CPPUNIT_TEST_SUITE_END();

  const Instant t0_{1700000000s};  // 2023-11-14T22:13:20Z, where the rig's clock begins
  test::SyncRig rig_;
  members::HookCoverage coverage_{true, rig_.clock};
  bool hooksOn_ = false;
  std::int64_t drift_ = 0;

 public:
  void setUp() override { rig_.fillDirectories(); }

 private:
  std::unique_ptr<Reconciler> make(const std::string& holder = "one",
                                   const members::ContactUpdater* updater = nullptr) {
    Reconciler::Options options;
    options.hooksOn = hooksOn_;
    options.holder = holder;
    return std::make_unique<Reconciler>(rig_.store, rig_.clock, rig_.clients, rig_.reader,
                                        updater != nullptr ? *updater : rig_.updater, coverage_,
                                        options, [this](std::int64_t found) { drift_ += found; });
  }
  Outcome run(const std::string& holder = "one") {
    const StopFlag stop;
    return make(holder)->runOnce(stop);
  }
  void expectRun(const std::string& holder = "one") {
    const Outcome done = run(holder);
    CPPUNIT_ASSERT_MESSAGE(done ? "" : done.error().detail, done.ok());
  }
  void openGap(const char* why, bool full = false, std::optional<Instant> from = {}) {
    rig_.write(
        [&](store::Transaction& tx) { tx.openGap(why, from.value_or(tx.now()), tx.now(), full); });
  }
  void passFull() {
    openGap(gap_reason::kFullDue, true);
    expectRun();
  }
  void pass() {
    openGap(gap_reason::kInterval);
    expectRun();
  }
  std::string meta(std::string_view key) {
    return rig_.read([&](store::Reader& reader) { return reader.findMeta(key); }).value_or("");
  }
  void setMeta(std::string_view key, const std::string& value) {
    rig_.write([&](store::Transaction& tx) { tx.setMeta(key, value); });
  }
  void setCursor(Instant at) { setMeta(kSyncCursor, std::to_string(toEpochMs(at))); }
  void expectCursor(Instant at) {
    CPPUNIT_ASSERT_EQUAL(std::to_string(toEpochMs(at)), meta(kSyncCursor));
  }
  std::vector<Sweep> sweeps() {  // oldest first
    auto all = rig_.read([](store::Reader& reader) { return reader.listSweeps(100); });
    std::reverse(all.begin(), all.end());
    return all;
  }
  std::vector<Gap> openGaps() {
    return rig_.read([](store::Reader& reader) { return reader.listOpenGaps(); });
  }
  std::vector<Gap> gaps() {
    return rig_.read([](store::Reader& reader) { return reader.listGaps(100); });
  }
  int gapsOf(const std::string& why) {
    const auto all = gaps();
    return static_cast<int>(
        std::count_if(all.begin(), all.end(), [&](const Gap& gap) { return gap.why == why; }));
  }
  // Contacts with these ids, changed a week ago.
  void people(ContactId from, ContactId to) {
    for (ContactId id = from; id <= to; ++id) {
      auto& person = rig_.account.people[id];
      person.email = std::to_string(id) + "@example.com";
      person.updated = t0_ - 7 * 24h;
    }
  }
  // As an earlier pass left them here, a minute ago.
  void knownHere(ContactId from, ContactId to) {
    rig_.write([&](store::Transaction& tx) {
      for (ContactId id = from; id <= to; ++id) {
        Contact contact;
        contact.id = id;
        contact.email = test::email(std::to_string(id) + "@example.com");
        contact.createdAt = test::FakeAccount::kLongAgo;
        contact.updatedAt = t0_ - 7 * 24h;
        contact.confirmed = true;
        contact.pulledAt = contact.asOf = contact.changedAt = rig_.clock.now() - 60s;
        tx.saveContact(contact);
      }
    });
  }
  Lines pagesAsked() { return rig_.account.asked("GET contacts?"); }
  static bool holds(const std::string& line, const std::string& part) {
    return line.find(part) != std::string::npos;
  }
  std::string sinceAsked() {
    const Lines pages = pagesAsked();
    CPPUNIT_ASSERT(!pages.empty());
    const std::string name = "updated_after]=";
    const auto at = pages.front().find(name);
    if (at == std::string::npos) return "";
    return pages.front().substr(at + name.size(), 19);
  }
  static std::string text(Instant at) { return formatRfc3339(at).substr(0, 19); }
  static std::string page(ContactId after) {
    return "GET contacts?limit=100&orders[id]=ASC&id_greater=" + std::to_string(after);
  }
  std::vector<Job> openJobs(std::string_view kind) {
    std::vector<Job> found;
    for (Job& job : rig_.jobs()) {
      if (job.kind == kind && isOpen(job.state)) found.push_back(std::move(job));
    }
    return found;
  }
  static double repaired() {
    return ops::counter("membergate_reconcile_repaired_total",
                        "Contacts that only a pass found changed while the event webhook was on.")
        .value();
  }

  // --- cursor ----------------------------------------------------------------------------------

  void theFirstPassReadsAllAndSetsTheCursorToTheGreatestUdate() {
    people(43, 44);
    rig_.account.people[43].updated = t0_ - 1h;
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string(), sinceAsked());
    CPPUNIT_ASSERT(sweeps().front().full);
    CPPUNIT_ASSERT(rig_.contact(42) && rig_.contact(43) && rig_.contact(44));
    expectCursor(t0_ - 1h);
    CPPUNIT_ASSERT(openGaps().empty());
  }

  // Without a cursor a pass is full, whatever the gap asks for.
  void theCursorIsNeverBeyondTheStartOfThePass() {
    rig_.account.people[42].updated = t0_ + 1h;
    pass();
    const Sweep sweep = sweeps().front();
    CPPUNIT_ASSERT(sweep.full);
    expectCursor(sweep.startedAt);
  }

  void anEmptyAccountKeepsTheCursor() {
    setCursor(t0_ - 3h);
    rig_.account.people.clear();
    pass();
    expectCursor(t0_ - 3h);
    passFull();
    expectCursor(t0_ - 3h);
  }

  void theCursorDoesNotGoBack() {
    setCursor(t0_ - 3h);
    rig_.account.people[42].updated = t0_ - 5h;  // within the overlap
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, sweeps().front().seen);
    expectCursor(t0_ - 3h);
  }

  void aPassOverChangesAsksWithAnOverlap() {
    setCursor(t0_ - 1h);
    rig_.account.people[42].updated = t0_ - 2min;
    pass();
    CPPUNIT_ASSERT(!sweeps().front().full);
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 25h), sinceAsked());
    expectCursor(t0_ - 2min);
  }

  void aGapThatReachesFurtherBackThanTheCursorIsAskedForWhole() {
    setCursor(t0_ - 1h);
    openGap(gap_reason::kHook, false, t0_ - 10h);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 34h), sinceAsked());
  }

  // --- overlap ---------------------------------------------------------------------------------

  // After it the cursor is t0, and one contact's udate lies an hour before t0 - 24 h.
  void learnWithAWitness() {
    people(43, 43);
    rig_.account.people[42].updated = t0_ - 25h;
    rig_.account.people[43].updated = t0_;
    passFull();
    pass();
    rig_.account.forget();
  }

  void theOverlapIsShortOnceTheFilterIsKnownToBeFiner() {
    learnWithAWitness();
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 15min), sinceAsked());
  }

  void theOverlapIsWholeAfterAStart() {
    learnWithAWitness();
    openGap(gap_reason::kStart, false, t0_);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 24h), sinceAsked());
    rig_.account.forget();
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 15min), sinceAsked());
  }

  void theOverlapIsWholeOnceADay() {
    learnWithAWitness();
    rig_.clock.advance(23h);
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 15min), sinceAsked());
    rig_.account.forget();
    rig_.clock.advance(1h);
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 24h), sinceAsked());
    rig_.account.forget();
    rig_.clock.advance(1h);
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 15min), sinceAsked());
  }

  void aFilterByDayKeepsTheOverlapWhole() {
    rig_.account.filterByDay = true;
    learnWithAWitness();
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 24h), sinceAsked());
  }

  void aFilterThatTurnsOutCoarseBringsTheWholeOverlapBack() {
    learnWithAWitness();
    rig_.account.filterByDay = true;
    rig_.account.people[42].updated = t0_ - 1h;
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 15min), sinceAsked());
    rig_.account.forget();
    pass();
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 24h), sinceAsked());
  }

  // --- failing, stopping, going on -------------------------------------------------------------

  void aPassThatFailsMovesNothingAndGoesOnWhereItWas() {
    setCursor(t0_ - 1h);
    people(101, 250);
    for (auto& each : rig_.account.people) each.second.updated = t0_ - 1min;
    openGap(gap_reason::kInterval);
    rig_.account.answerOnce(page(199), 500, "{}");
    const Outcome failed = run();
    CPPUNIT_ASSERT(!failed.ok());
    expectCursor(t0_ - 1h);
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kLastSweep));
    CPPUNIT_ASSERT(openGaps().front().state == GapState::kWorking);
    CPPUNIT_ASSERT_EQUAL(ContactId{199}, sweeps().front().lastId);
    CPPUNIT_ASSERT(!sweeps().front().reason.empty());
    CPPUNIT_ASSERT(rig_.contact(199) && !rig_.contact(200));
    rig_.account.forget();
    expectRun();
    CPPUNIT_ASSERT(holds(pagesAsked().front(), "id_greater=199&"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sweeps().size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
    CPPUNIT_ASSERT_EQUAL(std::string(), sweeps().front().reason);
    CPPUNIT_ASSERT(openGaps().empty());
    expectCursor(t0_ - 1min);
  }

  void aPassThatIsStoppedMovesNothing() {
    setCursor(t0_ - 1h);
    people(101, 250);
    openGap(gap_reason::kOperatorFull, true);
    StopFlag stop;
    rig_.account.before(page(0), [&] { stop.raise(); });
    const Outcome stopped = make()->runOnce(stop);
    CPPUNIT_ASSERT(!stopped.ok());
    CPPUNIT_ASSERT(stopped.error().code == Code::kBusy);
    CPPUNIT_ASSERT_EQUAL(ContactId{199}, sweeps().front().lastId);  // the page in hand is kept
    expectCursor(t0_ - 1h);
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kLastFullSweep));
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pagesAsked().size());
  }

  void aCommitThatFailsLeavesThePageToBeReadAgain() {
    people(101, 250);
    for (int nth = 1; nth < 60; ++nth) {
      openGap(gap_reason::kOperatorFull, true);
      const int before = rig_.store.failed();
      rig_.store.failAt(test::FailingStore::Step::kWork, nth);
      (void)run();
      const bool whole = rig_.store.failed() == before;
      rig_.store.failAt(test::FailingStore::Step::kWork, 1, 0);
      expectRun();
      const Sweep last = sweeps().back();
      CPPUNIT_ASSERT(last.state == SweepState::kDone);
      CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, last.seen);
      CPPUNIT_ASSERT(openGaps().empty());
      CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
      if (whole) return;
    }
    CPPUNIT_FAIL("a pass commits without end");
  }

  // The pass of holder "one" that dies after its first page.
  void dieAfterAPage() {
    people(101, 250);
    openGap(gap_reason::kOperatorFull, true);
    rig_.account.answerOnce(page(199), 500, "{}");
    CPPUNIT_ASSERT(!run("one").ok());
    rig_.account.forget();
  }
  void expectTakenOver() {
    CPPUNIT_ASSERT(holds(pagesAsked().front(), "id_greater=199&"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sweeps().size());
    CPPUNIT_ASSERT(sweeps().front().state == SweepState::kDone);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
  }

  void anotherProcessTakesOverAfterTheLeaseAndNotBefore() {
    dieAfterAPage();
    rig_.clock.advance(100s);
    const Outcome early = run("two");
    CPPUNIT_ASSERT(!early.ok() && early.error().code == Code::kBusy);
    CPPUNIT_ASSERT(rig_.account.log().empty());
    rig_.clock.advance(30s);
    expectRun("two");
    expectTakenOver();
  }

  void anotherProcessTakesOverARelease() {
    dieAfterAPage();
    CPPUNIT_ASSERT(!run("two").ok());
    rig_.write([](store::Transaction& tx) { tx.releaseSweep(); });
    expectRun("two");
    expectTakenOver();
  }

  void aLeaseOfBeforeTheClockWasSetBackHoldsNobody() {
    dieAfterAPage();
    rig_.clock.advance(-1h);
    expectRun("two");
    expectTakenOver();
  }

  void whoLostThePassToAnotherChangesNothingMore() {
    people(101, 250);
    openGap(gap_reason::kOperatorFull, true);
    rig_.account.before(page(199), [this] {
      rig_.clock.advance(3min);
      expectRun("two");
      rig_.write([](store::Transaction& tx) { tx.setMeta(kSyncCursor, "mark"); });
    });
    const Outcome lost = run("one");
    CPPUNIT_ASSERT(!lost.ok() && lost.error().code == Code::kConflict);
    CPPUNIT_ASSERT_EQUAL(std::string("mark"), meta(kSyncCursor));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sweeps().size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
  }

  void aPassOverChangesThatIsADayOldIsMadeAnew() {
    setCursor(t0_ - 1h);
    openGap(gap_reason::kHook);
    rig_.account.answerOnce(page(0), 500, "{}");
    CPPUNIT_ASSERT(!run().ok());
    rig_.clock.advance(25h);
    rig_.account.forget();
    expectRun();
    const auto all = sweeps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, all.size());
    CPPUNIT_ASSERT(all[0].state == SweepState::kGivenUp);
    CPPUNIT_ASSERT(all[1].state == SweepState::kDone);
    CPPUNIT_ASSERT_EQUAL(text(t0_ - 25h), sinceAsked());
    CPPUNIT_ASSERT(openGaps().empty());
  }

  // --- the end ---------------------------------------------------------------------------------

  void anEmptyPageInTheMiddleIsNotTheEnd() {
    people(101, 250);
    rig_.account.answerOnce(page(199), 200, R"({"contacts":[],"meta":{"total":"0"}})");
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
    CPPUNIT_ASSERT(rig_.contact(250).has_value());
  }

  void anEmptyPageThoughContactsRemainIsAnError() {
    people(101, 250);
    knownHere(240, 240);
    openGap(gap_reason::kOperatorFull, true);
    for (int i = 0; i < 2; ++i) {
      rig_.account.answerOnce(page(199), 200, R"({"contacts":[],"meta":{"total":"101"}})");
      CPPUNIT_ASSERT(!run().ok());
    }
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
  }

  void aShortPageInTheMiddleIsNotTheEnd() {
    people(101, 250);
    for (ContactId id = 110; id <= 250; ++id) rig_.account.unlisted.insert(id);
    rig_.account.before(page(109), [this] { rig_.account.unlisted.clear(); });
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{151}, sweeps().front().seen);
  }

  void fullPagesEndWithTwoEmptyOnes() {
    people(101, 199);
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, pagesAsked().size());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, sweeps().front().calls);
    rig_.account.people.erase(42);
    rig_.account.forget();
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pagesAsked().size());  // a short and an empty one
  }

  // --- missing contacts ------------------------------------------------------------------------

  void aContactThatIsMissingIsReadByItsIdAtTheEndOnly() {
    people(101, 250);
    knownHere(100, 100);
    openGap(gap_reason::kOperatorFull, true);
    rig_.account.answerOnce(page(199), 500, "{}");
    CPPUNIT_ASSERT(!run().ok());
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
    CPPUNIT_ASSERT(!rig_.contact(100)->deletedAt);
    expectRun();
    CPPUNIT_ASSERT(!rig_.contact(100)->deletedAt);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, openJobs(members::kRefreshJob).size());
    rig_.finishAll();
    CPPUNIT_ASSERT(rig_.contact(100)->deletedAt.has_value());
    CPPUNIT_ASSERT(!rig_.contact(101)->deletedAt);
  }

  void aMissingContactThatIsThereStays() {
    people(101, 250);
    rig_.account.unlisted = {42, 150, 250};
    knownHere(150, 150);
    knownHere(250, 250);
    rig_.known(42, "a@example.com");
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, openJobs(members::kRefreshJob).size());
    rig_.finishAll();
    for (const ContactId id : {42, 150, 250}) CPPUNIT_ASSERT(!rig_.contact(id)->deletedAt);
  }

  void aPassOverChangesMissesNobody() {
    setCursor(t0_);
    knownHere(7, 7);
    pass();
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
  }

  // Contact `old` as a member who is logged in, with a change of his on its way.
  JobId memberHere(ContactId old) {
    rig_.known(old, "a@example.com");
    rig_.clock.advance(1s);
    JobId change = 0;
    rig_.write([&](store::Transaction& tx) {
      tx.saveCredential(rig_.hasher.makeFast(old, Secret("old password"),
                                             CredentialOrigin::kGenerated, tx.now()));
      store::SessionRecord session;
      session.digest = std::string(32, 's');
      session.contactId = old;
      session.expiresAt = tx.now() + 1h;
      tx.saveSession(session);
      members::ChangePayload wanted;
      wanted.contactId = old;
      wanted.items.push_back({{}, members::ChangePayload::Item::Action::kAdd, 2, "Gold", {}, {}});
      Job job;
      job.kind = members::kChangeJob;
      job.lane = Lane::kBackfill;
      job.contactId = old;
      job.payload = members::write(wanted);
      job.createdAt = tx.now();
      job.dueAt = tx.now() + 1h;  // after the merge is seen
      change = tx.addJob(job);
    });
    return change;
  }
  std::optional<store::SessionRecord> session() {
    return rig_.read(
        [](store::Reader& reader) { return reader.findSession(std::string(32, 's')); });
  }
  void expectMerged(ContactId old, JobId change) {
    passFull();
    CPPUNIT_ASSERT(!rig_.contact(old)->deletedAt);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, openJobs(members::kRefreshJob).size());
    rig_.finishAll();
    CPPUNIT_ASSERT(rig_.contact(old)->deletedAt.has_value());
    CPPUNIT_ASSERT_MESSAGE("the credential did not move", rig_.knows(42, "old password"));
    CPPUNIT_ASSERT_MESSAGE("the session did not move", session().has_value());
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, session()->contactId);
    CPPUNIT_ASSERT(rig_.job(change)->state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.tagsInAccount(42) == std::vector<TagId>({2}));
  }

  void aMergedContactsCredentialSessionAndChangesMove() { expectMerged(41, memberHere(41)); }
  void aContactMergedIntoALaterIdMovesAsWell() { expectMerged(77, memberHere(77)); }

  void aMergedContactWhoseReadWasAskedForBeforeMovesAsWell() {
    const JobId change = memberHere(41);
    rig_.write([](store::Transaction& tx) { members::enqueueRefresh(tx, {41, ""}); });
    expectMerged(41, change);
  }

  void aMergedContactsOwnCredentialWins() {
    memberHere(41);
    rig_.account.people[42].fields[3] = "own password";
    passFull();
    rig_.finishAll();
    CPPUNIT_ASSERT(rig_.contact(41)->deletedAt.has_value());
    CPPUNIT_ASSERT(rig_.knows(42, "own password"));
    CPPUNIT_ASSERT(!rig_.knows(42, "old password"));
  }

  void tooManyMissingSuspendAndTheOperatorsWordGoesOn() {
    rig_.account.people.clear();
    people(1001, 1979);
    knownHere(1001, 2000);
    {
      const test::CapturedLog log;
      passFull();
      CPPUNIT_ASSERT(log.has("reconcile_suspended"));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("21"), meta(kSuspended));
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
    CPPUNIT_ASSERT(openGaps().empty());
    pass();  // does not forget them
    std::vector<JobId> jobs;
    rig_.write([&](store::Transaction& tx) { jobs = confirmDeletions(tx); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{21}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{21}, openJobs(members::kRefreshJob).size());
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kSuspended));
    rig_.finish(jobs.front());
    CPPUNIT_ASSERT(rig_.contact(1980)->deletedAt.has_value());
  }

  void onePercentMayBeMissing() {
    rig_.account.people.clear();
    knownHere(1001, 3200);
    people(1001, 3178);
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kSuspended));
    CPPUNIT_ASSERT_EQUAL(std::size_t{22}, openJobs(members::kRefreshJob).size());
  }

  void anEmptyAnswerForAllDeletesNobody() {
    knownHere(1001, 1100);
    rig_.account.people.clear();
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string("100"), meta(kSuspended));
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
  }

  void aLaterFullPassThatMissesNobodyEndsTheSuspension() {
    anEmptyAnswerForAllDeletesNobody();
    people(1001, 1100);
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kSuspended));
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
  }

  // A flood of sign-ups goes on while the last pages are out.
  void contactsThatCameWhileThePassRanAreNotMissing() {
    people(101, 250);
    passFull();
    for (const ContactId after : {199, 250}) {
      rig_.account.before(page(after), [this, after] {
        rig_.clock.advance(1ms);
        for (int i = 1; i <= 20; ++i) {
          const ContactId id = (after == 199 ? 260 : 300) + i;
          rig_.known(id, "new" + std::to_string(id) + "@example.com");
          rig_.account.people[id].email = "new" + std::to_string(id) + "@example.com";
          rig_.account.unlisted.insert(id);  // the answer was made before
        }
      });
    }
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string(), meta(kSuspended));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, openJobs(members::kRefreshJob).size());
  }

  void aContactThatComesBackIsNoLongerDeleted() {
    rig_.known(42, "a@example.com");
    rig_.write([this](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt.has_value());
    rig_.clock.advance(1s);
    passFull();
    CPPUNIT_ASSERT(!rig_.contact(42)->deletedAt);
  }

  // --- drift -----------------------------------------------------------------------------------

  void changeUnheard() {
    rig_.clock.advance(1h);
    rig_.account.people[42].fields[6] = "Turin";
    rig_.account.people[42].updated = t0_ + 30min;
  }

  void whatOnlyAPassFindsIsCountedInEventMode() {
    hooksOn_ = true;
    passFull();
    changeUnheard();
    const double before = repaired();
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, drift_);
    CPPUNIT_ASSERT_EQUAL(before + 1, repaired());
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, drift_);
  }

  void theFirstPassCountsNothing() {
    hooksOn_ = true;
    const double before = repaired();
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, sweeps().front().differed);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, drift_);
    CPPUNIT_ASSERT_EQUAL(before, repaired());
  }

  void whatAWebhookToldOfIsNotCounted() {
    hooksOn_ = true;
    passFull();
    changeUnheard();
    rig_.write([](store::Transaction& tx) { members::enqueueRefresh(tx, {42, ""}); });
    rig_.clock.advance(1s);
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, drift_);
    rig_.account.people[42].fields[6] = "Milan";
    rig_.write(
        [this](store::Transaction& tx) { members::enqueuePassword(tx, rig_.wanted(42), ""); });
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, sweeps().back().differed);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, drift_);
  }

  // The webhook came while an earlier read was under way.
  void whatAWebhookToldOfDuringAReadIsNotCounted() {
    hooksOn_ = true;
    passFull();
    changeUnheard();
    rig_.write([this](store::Transaction& tx) {
      members::enqueueRefresh(tx, {42, ""});
      Job job = *tx.findOpenJob(members::kRefreshJob, "42");
      job.state = JobState::kRunning;
      job.leaseUntil = rig_.clock.now() + 1min;
      CPPUNIT_ASSERT(tx.saveJob(job));
      members::enqueueRefresh(tx, {42, ""});
      job.state = JobState::kDone;
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, openJobs(members::kRefreshJob).size());
    rig_.clock.advance(1s);
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, sweeps().back().differed);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, drift_);
  }

  void inAutomationModeNothingIsCounted() {
    passFull();
    changeUnheard();
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, sweeps().back().differed);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, drift_);
  }

  // --- gaps ------------------------------------------------------------------------------------

  void aGapThatOpensWhileAPassRunsGetsOneOfItsOwn() {
    passFull();
    openGap(gap_reason::kHook);
    rig_.account.before("GET contacts?", [this] {
      openGap(gap_reason::kHook);
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, openGaps().size());
    });
    expectRun();
    const auto all = sweeps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, all.size());
    CPPUNIT_ASSERT(openGaps().empty());
    const auto last = gaps();
    CPPUNIT_ASSERT_EQUAL(all[2].id, last[0].sweep);
    CPPUNIT_ASSERT_EQUAL(all[1].id, last[1].sweep);
  }

  void anEndedPassClosesItsGapsAlone() {
    passFull();
    openGap(gap_reason::kHook);
    StopFlag stop;
    rig_.account.before("GET contacts?", [&] { openGap(gap_reason::kStore); });
    rig_.account.before("GET contacts?", [&] { stop.raise(); });  // amid the last page
    (void)make()->runOnce(stop);
    const auto open = openGaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, open.size());
    CPPUNIT_ASSERT_EQUAL(std::string(gap_reason::kStore), open.front().why);
    CPPUNIT_ASSERT(open.front().state == GapState::kOpen);
  }

  void aFullGapMakesThePassFull() {
    passFull();
    openGap(gap_reason::kInterval);
    openGap(gap_reason::kOperatorFull, true);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sweeps().size());
    CPPUNIT_ASSERT(sweeps().back().full);
  }

  void aShedGapWaitsForQuiet() {
    passFull();
    openGap(gap_reason::kShed);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sweeps().size());
    rig_.clock.advance(900ms);
    openGap(gap_reason::kShed);
    rig_.clock.advance(900ms);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, sweeps().size());
    rig_.clock.advance(100ms);
    expectRun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sweeps().size());
    CPPUNIT_ASSERT(openGaps().empty());
  }

  void aFloodIsNotWaitedForWithoutEnd() {
    passFull();
    const Instant begun = rig_.clock.now();
    while (sweeps().size() < 2 && rig_.clock.now() - begun < 60s) {
      openGap(gap_reason::kShed);
      expectRun();
      rig_.clock.advance(500ms);
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sweeps().size());
    CPPUNIT_ASSERT(sweeps().back().startedAt - begun == 15s);
  }

  void withoutAGapNothingIsAsked() {
    expectRun();
    CPPUNIT_ASSERT(rig_.account.log().empty());
  }

  // --- the thread ------------------------------------------------------------------------------

  template <class Is>
  void await(const char* what, Is is) {
    const auto until = std::chrono::steady_clock::now() + test::kPatience;
    while (!is()) {
      CPPUNIT_ASSERT_MESSAGE(what, std::chrono::steady_clock::now() < until);
      rig_.awaitChange(rig_.changeCount(), 20ms);
    }
  }
  static void nudge(Reconciler& reconciler) {
    reconciler.onChanges({{1, store::ChangeKind::kGap, 0, {}}});
  }

  void theTimersGapsAreOpenedOnce() {
    const auto reconciler = make();
    const auto other = make("two");
    reconciler->start();
    other->start();
    await("the first pass", [this] { return !gaps().empty() && openGaps().empty(); });
    CPPUNIT_ASSERT_EQUAL(1, gapsOf(gap_reason::kFullDue));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, gaps().size());
    rig_.clock.advance(16min);
    nudge(*reconciler);
    nudge(*other);
    await("the interval's pass",
          [this] { return gapsOf(gap_reason::kInterval) == 1 && openGaps().empty(); });
    rig_.clock.advance(7 * 24h);
    nudge(*reconciler);
    nudge(*other);
    await("the full pass",
          [this] { return gapsOf(gap_reason::kFullDue) == 2 && openGaps().empty(); });
    reconciler->stop();
    other->stop();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, gaps().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, sweeps().size());
  }

  void aStartOpensTheGapOfTheTimeBefore() {
    passFull();
    const std::string cursor = meta(kSyncCursor);
    rig_.clock.advance(10min);
    const auto reconciler = make();
    reconciler->start();
    await("the pass of the start",
          [this] { return gapsOf(gap_reason::kStart) == 1 && openGaps().empty(); });
    reconciler->stop();
    const auto all = gaps();
    CPPUNIT_ASSERT_EQUAL(cursor, std::to_string(toEpochMs(all.front().from)));
    CPPUNIT_ASSERT(!sweeps().back().full);
  }

  void anOpenGapTakesTheCoverAway() {
    passFull();
    coverage_.noteNews(rig_.clock.now());
    CPPUNIT_ASSERT(!coverage_.covers(*rig_.contact(42)));  // nothing is known of gaps yet
    const auto reconciler = make();
    reconciler->start();
    await("the pass of the start", [this] { return sweeps().size() == 2 && openGaps().empty(); });
    await("the cover", [this] {
      Contact pulled = *rig_.contact(42);
      pulled.pulledAt = rig_.clock.now() + 1s;
      return coverage_.covers(pulled);
    });
    openGap(gap_reason::kShed);  // stays, since the clock stands
    nudge(*reconciler);
    await("no cover", [this] {
      Contact pulled = *rig_.contact(42);
      pulled.pulledAt = rig_.clock.now() + 1s;
      return !coverage_.covers(pulled);
    });
    reconciler->stop();
  }

  // --- parts, the rule, refreshes --------------------------------------------------------------

  void partsThatPagesLackAreReadSingly() {
    rig_.account.include = false;
    rig_.account.people[42].tags = {{900, 2}};
    Contact before = rig_.known(42, "a@example.com", {1});
    before.fields = {{"CITY", "Turin"}};
    before.updatedAt = rig_.account.people[42].updated;
    rig_.write([&](store::Transaction& tx) { tx.saveContact(before); });
    rig_.clock.advance(1s);
    passFull();
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({1}));
    CPPUNIT_ASSERT_EQUAL(std::string("Turin"), rig_.contact(42)->fields.at("CITY"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, openJobs(members::kRefreshJob).size());
    rig_.finishAll();
    CPPUNIT_ASSERT(rig_.contact(42)->tags == std::vector<TagId>({2}));
    CPPUNIT_ASSERT(rig_.contact(42)->fields.empty());
  }

  void withoutPartsOnlyWhoChangedIsReadSingly() {
    rig_.account.include = false;
    people(43, 44);
    for (auto& each : rig_.account.people) each.second.updated = t0_ - 1h;
    passFull();
    rig_.finishAll();
    pass();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, sweeps().back().seen);
    CPPUNIT_ASSERT(openJobs(members::kRefreshJob).empty());
    rig_.account.people[43].updated = t0_ - 1min;
    pass();
    const auto jobs = openJobs(members::kRefreshJob);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs.size());
    CPPUNIT_ASSERT(jobs.front().contactId == std::optional<ContactId>(43));
  }

  members::ContactUpdater ruled(members::PasswordRule::Who who) {
    members::ContactUpdater::Options options;
    options.passwordRule = {who, {2}, {1}, {}};
    options.installedAt = t0_ - 1h;
    return {rig_.issuer, rig_.clock, options};
  }
  void passBy(const members::ContactUpdater& updater) {
    openGap(gap_reason::kOperatorFull, true);
    const StopFlag stop;
    CPPUNIT_ASSERT(make("one", &updater)->runOnce(stop).ok());
  }
  std::vector<ContactId> askedForPasswords() {
    std::vector<ContactId> ids;
    for (const Job& job : openJobs(members::kPasswordJob)) ids.push_back(*job.contactId);
    return ids;
  }

  void whomTheRuleCoversGetsOnePassword() {
    people(43, 45);
    for (auto& each : rig_.account.people) each.second.updated = t0_ - 30min;
    rig_.account.people[43].tags = {{900, 2}};
    rig_.account.people[44].fields[3] = "theirs";
    rig_.account.people[45].tags = {{901, 1}};
    passBy(ruled(members::PasswordRule::Who::kTagged));
    CPPUNIT_ASSERT(askedForPasswords() == std::vector<ContactId>({43}));
    const auto all = ruled(members::PasswordRule::Who::kAll);
    passBy(all);
    passBy(all);
    CPPUNIT_ASSERT(askedForPasswords() == std::vector<ContactId>({43, 42, 45}));
    const auto payload =
        members::readPasswordPayload(openJobs(members::kPasswordJob).front().payload);
    CPPUNIT_ASSERT(payload->byRule);
    CPPUNIT_ASSERT(members::sameSteps(payload->steps, members::stepsOf({1}, {})));
    CPPUNIT_ASSERT(rig_.knows(44, "theirs"));
    passBy(ruled(members::PasswordRule::Who::kNone));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, askedForPasswords().size());
  }

  void whoWasNotTouchedSinceTheInstallationGetsNone() {
    people(43, 44);
    rig_.account.people[42].updated = t0_ - 2h;
    rig_.account.people[43].updated = t0_ - 2h;
    rig_.account.people[43].created = t0_ - 10min;  // an import leaves udate as it is
    rig_.account.people[44].updated = t0_ - 10min;
    passBy(ruled(members::PasswordRule::Who::kAll));
    CPPUNIT_ASSERT(askedForPasswords() == std::vector<ContactId>({43, 44}));
  }

  JobId queueRefresh() {
    JobId id = 0;
    rig_.write([&](store::Transaction& tx) { id = members::enqueueRefresh(tx, {42, ""}); });
    return id;
  }

  void aRefreshThatWaitedIsEndedByThePage() {
    const JobId refresh = queueRefresh();
    rig_.clock.advance(1ms);
    passFull();
    CPPUNIT_ASSERT(rig_.job(refresh)->state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("GET contacts/42"));
  }

  void aRefreshAskedForAfterThePageIsNot() {
    JobId refresh = 0;
    rig_.account.before(page(0), [&] { refresh = queueRefresh(); });
    passFull();
    CPPUNIT_ASSERT(rig_.job(refresh)->state == JobState::kQueued);
  }

  void aBodyThatCameAfterThePageWins() {
    rig_.known(42, "a@example.com");
    rig_.account.people[42].firstName = "Page";
    rig_.clock.advance(1s);
    rig_.account.before(page(0), [this] {
      rig_.clock.advance(1ms);
      Contact contact = *rig_.contact(42);
      contact.firstName = "Body";
      contact.changedAt = rig_.clock.now();
      rig_.write([&](store::Transaction& tx) { tx.saveContact(contact); });
    });
    passFull();
    CPPUNIT_ASSERT_EQUAL(std::string("Body"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, openJobs(members::kRefreshJob).size());
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::string("Page"), rig_.contact(42)->firstName);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ReconcilerTest);

}  // namespace mbr::sync
