// What every backend of the store must do for the rooms that follow ActiveCampaign: gaps, sweeps,
// batches of jobs, contacts that moved or are gone. Registered as StoreContractTest is.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "store/store.h"

namespace mbr::test {

template <class Backend>
class SyncContractTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SyncContractTest);
  CPPUNIT_TEST(aGapComesBackAsItWasOpened);
  CPPUNIT_TEST(aSecondGapOfAReasonWidensTheFirst);
  CPPUNIT_TEST(gapsAreListedOpenOnesOldestFirstAllNewestFirst);
  CPPUNIT_TEST(aSweepComesBackAsItWasSaved);
  CPPUNIT_TEST(aSweepTakesAllOpenGapsAndClosesThem);
  CPPUNIT_TEST(aGapOpenedDuringASweepStaysOpen);
  CPPUNIT_TEST(theGapsOfAGivenUpSweepAreTakenByTheNext);
  CPPUNIT_TEST(aSecondSweepBesideARunningOneIsABug);
  CPPUNIT_TEST(anEndedSweepCannotBeSaved);
  CPPUNIT_TEST(anotherHoldersLeaseRefusesTheSweep);
  CPPUNIT_TEST(aSweepWhoseLeaseIsOverIsTakenOver);
  CPPUNIT_TEST(aReleasedSweepIsTakenOverAtOnce);
  CPPUNIT_TEST(releasingLeavesAnEndedSweepAlone);
  CPPUNIT_TEST(gapsAndTheEndOfASweepAreToldAndItsPagesAreNot);
  CPPUNIT_TEST(absentContactsAreTakenOnceInOrder);
  CPPUNIT_TEST(contactIdsAreARangeWithoutDeletedOnes);
  CPPUNIT_TEST(anUpdateIsFoundInAHalfOpenSpan);
  CPPUNIT_TEST(dueJobsOfAKindAreListedOldestFirstOverAllLanes);
  CPPUNIT_TEST(dueJobsLeaveOutWhatCannotBeClaimed);
  CPPUNIT_TEST(oneJobIsClaimedIfItIsQueuedDueOrNot);
  CPPUNIT_TEST(aContactsJobsAreClaimedInTheirOrder);
  CPPUNIT_TEST(aQueuedJobCanEndWithoutRunning);
  CPPUNIT_TEST(openJobsOfAContactAreListedByAge);
  CPPUNIT_TEST(aJobMovesToAnotherContact);
  CPPUNIT_TEST(aJobIsNotMovedOntoAnOpenOneOfItsKey);
  CPPUNIT_TEST(aRunningOrEndedJobIsNotMoved);
  CPPUNIT_TEST(sessionsMoveToAnotherContact);
  CPPUNIT_TEST(purgingRemovesAllOfADeletedContactAndNothingElse);
  CPPUNIT_TEST(purgingTakesClosedGapsAndEndedSweepsButNotTheNewest);
  CPPUNIT_TEST(theLastDeliveryIsOfItsRoute);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { backend_ = std::make_unique<Backend>(); }
  void tearDown() override { backend_.reset(); }

 private:
  using Tx = store::Transaction;
  using Reader = store::Reader;
  using Ids = std::vector<std::int64_t>;

  static Instant at(std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; }
  Instant now() { return backend_->clock().now(); }
  Instant in(int seconds) { return now() + std::chrono::seconds{seconds}; }

  template <class WorkFn>
  void write(WorkFn work) {
    backend_->write(work);
  }
  // What `look` finds in one read.
  template <class LookFn>
  auto seen(LookFn look) {
    std::optional<decltype(look(std::declval<Reader&>()))> result;
    backend_->read([&](Reader& r) { result = look(r); });
    return *result;
  }
  // What `work` returns in one write.
  template <class WorkFn>
  auto wrote(WorkFn work) {
    std::optional<decltype(work(std::declval<Tx&>()))> result;
    backend_->write([&](Tx& tx) { result = work(tx); });
    return *result;
  }
  template <class Row>
  static Ids idsOf(const std::vector<Row>& rows) {
    Ids ids;
    for (const Row& row : rows) ids.push_back(row.id);
    return ids;
  }

  void open(const char* why, std::int64_t from = 1, std::int64_t to = 2, bool full = false) {
    write([&](Tx& tx) { tx.openGap(why, at(from), at(to), full); });
  }
  std::vector<Gap> openGaps() {
    return seen([](Reader& r) { return r.listOpenGaps(); });
  }
  std::vector<Gap> gaps() {
    return seen([](Reader& r) { return r.listGaps(100); });
  }
  Gap gap(std::string_view why) {
    for (const Gap& one : gaps()) {
      if (one.why == why) return one;
    }
    CPPUNIT_FAIL("no gap " + std::string(why));
    return {};
  }

  Sweep begun(const std::string& holder = "me") {
    Sweep sweep;
    sweep.startedAt = now();
    sweep.holder = holder;
    sweep.leaseUntil = in(60);
    sweep.id = wrote([&](Tx& tx) { return tx.addSweep(sweep); });
    return sweep;
  }
  bool saved(const Sweep& sweep) {
    return wrote([&](Tx& tx) { return tx.saveSweep(sweep); });
  }
  void end(Sweep sweep, SweepState state) {
    sweep.state = state;
    CPPUNIT_ASSERT(saved(sweep));
  }
  Sweep sweep(std::int64_t id) {
    const auto found = seen([&](Reader& r) { return r.findSweep(id); });
    CPPUNIT_ASSERT(found.has_value());
    return *found;
  }
  std::optional<Sweep> running() {
    return seen([](Reader& r) { return r.findRunningSweep(); });
  }

  std::int64_t lastChange() {
    return seen([](Reader& r) { return r.lastChangeId(); });
  }
  std::vector<store::Change> changesAfter(std::int64_t id) {
    return seen([&](Reader& r) { return r.changesAfter(id, 100); });
  }

  static Job job(const std::string& kind, Instant due, std::optional<ContactId> contact,
                 Lane lane = Lane::kRefresh) {
    Job made;
    made.kind = kind;
    made.lane = lane;
    made.contactId = contact;
    made.payload = "{}";
    made.createdAt = at(1);
    made.dueAt = due;
    return made;
  }
  JobId added(const Job& wanted) {
    return wrote([&](Tx& tx) { return tx.addJob(wanted); });
  }
  Job job(JobId id) {
    const auto found = seen([&](Reader& r) { return r.findJob(id); });
    CPPUNIT_ASSERT(found.has_value());
    return *found;
  }
  bool end(JobId id, JobState state) {
    Job ended = job(id);
    ended.state = state;
    return wrote([&](Tx& tx) { return tx.saveJob(ended); });
  }
  bool moved(const Job& wanted) {
    return wrote([&](Tx& tx) { return tx.moveJob(wanted); });
  }
  std::optional<Job> claimed(JobId id) {
    return wrote([&](Tx& tx) { return tx.claimJob(id, in(60)); });
  }
  Ids due(const char* kind, int limit = 100) {
    return idsOf(seen([&](Reader& r) { return r.listDueJobs(kind, now(), limit); }));
  }

  static Contact contact(ContactId id, const std::string& address = "") {
    Contact made;
    made.id = id;
    made.email = Email::parse(address);
    made.asOf = at(100);
    made.changedAt = at(100);
    return made;
  }
  void save(const Contact& wanted) {
    write([&](Tx& tx) { tx.saveContact(wanted); });
  }

  void aGapComesBackAsItWasOpened() {
    open("hook", 10, 20, true);
    const auto all = openGaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, all.size());
    CPPUNIT_ASSERT_EQUAL(std::string("hook"), all[0].why);
    CPPUNIT_ASSERT(all[0].full && all[0].from == at(10) && all[0].to == at(20));
    CPPUNIT_ASSERT(all[0].openedAt == now() && all[0].state == GapState::kOpen);
    CPPUNIT_ASSERT(all[0].sweep == 0 && !all[0].closedAt && all[0].id > 0);
  }

  void aSecondGapOfAReasonWidensTheFirst() {
    const Instant first = now();
    open("shed", 10, 20);
    backend_->clock().advance(std::chrono::seconds{5});
    open("shed", 12, 18);  // lies in it
    CPPUNIT_ASSERT(gap("shed").from == at(10) && gap("shed").to == at(20));
    CPPUNIT_ASSERT(!gap("shed").full);
    open("shed", 5, 15, true);
    open("shed", 11, 30);
    const auto all = openGaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, all.size());
    CPPUNIT_ASSERT(all[0].from == at(5) && all[0].to == at(30));
    CPPUNIT_ASSERT_MESSAGE("once full, it stays full", all[0].full);
    CPPUNIT_ASSERT_MESSAGE("a gap is as old as its first event", all[0].openedAt == first);
    open("store", 1, 2);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, openGaps().size());
    CPPUNIT_ASSERT(gap("shed").from == at(5));
  }

  void gapsAreListedOpenOnesOldestFirstAllNewestFirst() {
    open("start");
    end(begun(), SweepState::kDone);
    open("shed");
    begun();
    open("store");
    const std::int64_t closed = gap("start").id;
    const std::int64_t working = gap("shed").id;
    const std::int64_t open = gap("store").id;
    CPPUNIT_ASSERT((idsOf(openGaps()) == Ids{working, open}));
    CPPUNIT_ASSERT((idsOf(gaps()) == Ids{open, working, closed}));
    CPPUNIT_ASSERT((idsOf(seen([](Reader& r) { return r.listGaps(1); })) == Ids{open}));
  }

  void aSweepComesBackAsItWasSaved() {
    CPPUNIT_ASSERT(!running());
    Sweep wanted;
    wanted.full = true;
    wanted.startedAt = at(7);
    wanted.holder = "host:1";
    wanted.leaseUntil = in(60);
    wanted.id = wrote([&](Tx& tx) { return tx.addSweep(wanted); });
    CPPUNIT_ASSERT_EQUAL(wanted.id, running().value().id);
    CPPUNIT_ASSERT(running()->full && !running()->since && !running()->newest);
    CPPUNIT_ASSERT(running()->startedAt == at(7) && running()->holder == "host:1");

    wanted.full = false;
    wanted.since = at(5);
    wanted.lastId = 400;
    wanted.newest = at(6);
    wanted.calls = 4;
    wanted.seen = 399;
    wanted.differed = 3;
    wanted.expected = 1000;
    wanted.leaseUntil = in(90);
    wanted.reason = "busy";
    CPPUNIT_ASSERT(saved(wanted));
    Sweep back = sweep(wanted.id);
    CPPUNIT_ASSERT(!back.full && back.since == at(5) && back.newest == at(6));
    CPPUNIT_ASSERT_EQUAL(ContactId{400}, back.lastId);
    CPPUNIT_ASSERT(back.calls == 4 && back.seen == 399 && back.differed == 3);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, back.expected);
    CPPUNIT_ASSERT(back.state == SweepState::kRunning && back.leaseUntil == in(90));
    CPPUNIT_ASSERT(back.reason == "busy" && !back.endedAt);

    end(wanted, SweepState::kGivenUp);
    back = sweep(wanted.id);
    CPPUNIT_ASSERT(back.state == SweepState::kGivenUp && back.endedAt == now());
    CPPUNIT_ASSERT(!running());
    CPPUNIT_ASSERT(!seen([](Reader& r) { return r.findSweep(999); }));
    const Sweep next = begun();
    const auto listed = [&](int limit) {
      return idsOf(seen([&](Reader& r) { return r.listSweeps(limit); }));
    };
    CPPUNIT_ASSERT((listed(9) == Ids{next.id, wanted.id}));
    CPPUNIT_ASSERT((listed(1) == Ids{next.id}));
  }

  void aSweepTakesAllOpenGapsAndClosesThem() {
    open("start");
    open("shed");
    const Sweep one = begun();
    for (const char* why : {"start", "shed"}) {
      CPPUNIT_ASSERT(gap(why).state == GapState::kWorking && gap(why).sweep == one.id);
    }
    backend_->clock().advance(std::chrono::seconds{9});
    end(one, SweepState::kDone);
    CPPUNIT_ASSERT(openGaps().empty());
    for (const char* why : {"start", "shed"}) {
      CPPUNIT_ASSERT(gap(why).state == GapState::kClosed && gap(why).sweep == one.id);
      CPPUNIT_ASSERT(gap(why).closedAt == now());
    }
  }

  void aGapOpenedDuringASweepStaysOpen() {
    open("shed", 10, 20);
    const Sweep one = begun();
    open("shed", 5, 30);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, openGaps().size());
    const Gap worked = openGaps()[0];
    CPPUNIT_ASSERT_MESSAGE("the one that is worked off is not widened",
                           worked.from == at(10) && worked.to == at(20));
    end(one, SweepState::kDone);
    const auto left = openGaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, left.size());
    CPPUNIT_ASSERT(left[0].state == GapState::kOpen && left[0].from == at(5));
    CPPUNIT_ASSERT(left[0].sweep == 0);
  }

  void theGapsOfAGivenUpSweepAreTakenByTheNext() {
    open("start");
    const Sweep first = begun();
    open("start");  // a second one of the reason, beside the one that is worked off
    end(first, SweepState::kGivenUp);
    CPPUNIT_ASSERT(openGaps()[0].state == GapState::kWorking);
    CPPUNIT_ASSERT(openGaps()[0].sweep == first.id && !openGaps()[0].closedAt);
    const Sweep second = begun();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, openGaps().size());
    for (const Gap& one : openGaps()) {
      CPPUNIT_ASSERT(one.state == GapState::kWorking && one.sweep == second.id);
    }
    end(second, SweepState::kDone);
    CPPUNIT_ASSERT(openGaps().empty());
    open("shed");
    const Sweep third = begun();
    CPPUNIT_ASSERT_MESSAGE("closed ones stay with theirs", gap("start").sweep == second.id);
    CPPUNIT_ASSERT_EQUAL(third.id, gap("shed").sweep);
  }

  void aSecondSweepBesideARunningOneIsABug() {
    const Sweep first = begun();
    open("shed");
    const Outcome outcome = backend_->store().write([&](Tx& tx) -> Outcome {
      tx.addSweep(Sweep{});
      return Done{};
    });
    CPPUNIT_ASSERT(!outcome && outcome.error().code == Code::kInternal);
    CPPUNIT_ASSERT_EQUAL(first.id, running().value().id);
    CPPUNIT_ASSERT(gap("shed").state == GapState::kOpen);
  }

  void anEndedSweepCannotBeSaved() {
    Sweep one = begun();
    end(one, SweepState::kDone);
    one.calls = 9;
    CPPUNIT_ASSERT(!saved(one));
    one.state = SweepState::kGivenUp;
    CPPUNIT_ASSERT(!saved(one));
    CPPUNIT_ASSERT(sweep(one.id).state == SweepState::kDone && sweep(one.id).calls == 0);
    one.id = 999;
    CPPUNIT_ASSERT(!saved(one));
  }

  void anotherHoldersLeaseRefusesTheSweep() {
    open("shed");
    const Sweep mine = begun("me");
    Sweep theirs = mine;
    theirs.holder = "them";
    theirs.lastId = 77;
    theirs.state = SweepState::kDone;
    const std::int64_t before = lastChange();
    CPPUNIT_ASSERT(!saved(theirs));
    CPPUNIT_ASSERT(sweep(mine.id).holder == "me" && sweep(mine.id).lastId == 0);
    CPPUNIT_ASSERT(gap("shed").state == GapState::kWorking);
    CPPUNIT_ASSERT(changesAfter(before).empty());
    CPPUNIT_ASSERT(saved(mine));
  }

  void aSweepWhoseLeaseIsOverIsTakenOver() {
    Sweep mine = begun("me");
    backend_->clock().advance(std::chrono::seconds{59});
    Sweep theirs = sweep(mine.id);
    theirs.holder = "them";
    theirs.leaseUntil = in(60);
    CPPUNIT_ASSERT_MESSAGE("the lease has a second left", !saved(theirs));
    backend_->clock().advance(std::chrono::seconds{1});
    CPPUNIT_ASSERT(saved(theirs));
    mine.lastId = 5;
    CPPUNIT_ASSERT_MESSAGE("who was too slow writes nothing", !saved(mine));
    CPPUNIT_ASSERT(sweep(mine.id).holder == "them" && sweep(mine.id).lastId == 0);
    backend_->clock().advance(std::chrono::hours{1});
    CPPUNIT_ASSERT_MESSAGE("a lease that nobody else took can be renewed", saved(theirs));
  }

  void aReleasedSweepIsTakenOverAtOnce() {
    Sweep mine = begun("me");
    mine.lastId = 50;
    CPPUNIT_ASSERT(saved(mine));
    write([](Tx& tx) { tx.releaseSweep(); });
    CPPUNIT_ASSERT(running()->holder.empty() && running()->leaseUntil == Instant{});
    CPPUNIT_ASSERT_EQUAL(ContactId{50}, running()->lastId);
    Sweep theirs = *running();
    theirs.holder = "them";
    theirs.leaseUntil = in(60);
    CPPUNIT_ASSERT(saved(theirs));
    CPPUNIT_ASSERT(!saved(mine));
    theirs.state = SweepState::kDone;
    CPPUNIT_ASSERT(saved(theirs));
    Sweep nobodys = begun("");
    nobodys.holder = "me";
    CPPUNIT_ASSERT_MESSAGE("a lease without a holder binds nobody", saved(nobodys));
  }

  void releasingLeavesAnEndedSweepAlone() {
    const Sweep one = begun("me");
    end(one, SweepState::kDone);
    write([](Tx& tx) { tx.releaseSweep(); });
    CPPUNIT_ASSERT_EQUAL(std::string("me"), sweep(one.id).holder);
  }

  void gapsAndTheEndOfASweepAreToldAndItsPagesAreNot() {
    open("shed");
    open("shed");
    auto told = changesAfter(0);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, told.size());
    for (const auto& change : told) {
      CPPUNIT_ASSERT(change.kind == store::ChangeKind::kGap && change.ref == gap("shed").id);
    }
    for (const SweepState state : {SweepState::kDone, SweepState::kGivenUp}) {
      std::int64_t before = lastChange();
      Sweep one = begun();
      told = changesAfter(before);
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.size());
      CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kGap && told[0].ref == 0);
      before = lastChange();
      one.calls = 1;
      CPPUNIT_ASSERT(saved(one));
      write([](Tx& tx) {
        tx.releaseSweep();
        tx.addAbsent({1, 2});
        tx.takeAbsent(1);
        tx.clearAbsent();
      });
      CPPUNIT_ASSERT(changesAfter(before).empty());
      end(one, state);
      told = changesAfter(before);
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.size());
      CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kGap && told[0].ref == 0);
    }
  }

  void absentContactsAreTakenOnceInOrder() {
    const auto count = [&] { return seen([](Reader& r) { return r.countAbsent(); }); };
    const auto taken = [&](int limit) {
      return wrote([&](Tx& tx) { return tx.takeAbsent(limit); });
    };
    CPPUNIT_ASSERT(taken(5).empty());
    write([](Tx& tx) {
      tx.addAbsent({9, 3});
      tx.addAbsent({7, 3});
      tx.addAbsent({});
    });
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, count());
    CPPUNIT_ASSERT((taken(2) == Ids{3, 7}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, count());
    CPPUNIT_ASSERT((taken(2) == Ids{9}));
    CPPUNIT_ASSERT(taken(2).empty());
    write([](Tx& tx) {
      tx.addAbsent({4, 5});
      tx.clearAbsent();
    });
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, count());
  }

  void contactIdsAreARangeWithoutDeletedOnes() {
    for (const ContactId id : {50, 10, 40, 20, 30}) save(contact(id));
    Contact gone = contact(30);
    gone.deletedAt = at(5);
    save(gone);
    const auto ids = [&](ContactId after, ContactId upTo, int limit) {
      return seen([&](Reader& r) { return r.contactIds(after, upTo, limit); });
    };
    CPPUNIT_ASSERT((ids(0, 100, 10) == Ids{10, 20, 40, 50}));
    CPPUNIT_ASSERT_MESSAGE("without the first, with the last", (ids(10, 40, 10) == Ids{20, 40}));
    CPPUNIT_ASSERT((ids(0, 100, 2) == Ids{10, 20}));
    CPPUNIT_ASSERT(ids(50, 100, 10).empty() && ids(20, 39, 10).empty());
  }

  void anUpdateIsFoundInAHalfOpenSpan() {
    save(contact(1));  // without an udate
    Contact updated = contact(2);
    updated.updatedAt = at(20);
    save(updated);
    const auto any = [&](int from, int to) {
      return seen([&](Reader& r) { return r.hasContactUpdatedIn(at(from), at(to)); });
    };
    CPPUNIT_ASSERT(any(20, 21) && any(0, 100));
    CPPUNIT_ASSERT(!any(10, 20) && !any(21, 30) && !any(0, 5));
    updated.deletedAt = at(30);
    save(updated);
    CPPUNIT_ASSERT_MESSAGE("ActiveCampaign does not list a deleted one", !any(0, 100));
  }

  void dueJobsOfAKindAreListedOldestFirstOverAllLanes() {
    const JobId second = added(job("refresh", in(-20), 1, Lane::kRefresh));
    const JobId third = added(job("refresh", in(-10), 2, Lane::kLogin));
    const JobId first = added(job("refresh", in(-30), 3, Lane::kBackfill));
    const JobId fourth = added(job("refresh", in(-10), std::nullopt, Lane::kRefresh));
    added(job("refresh", in(1), 4));
    added(job("tags", in(-40), 5));
    CPPUNIT_ASSERT((due("refresh") == Ids{first, second, third, fourth}));
    CPPUNIT_ASSERT((due("refresh", 2) == Ids{first, second}));
    CPPUNIT_ASSERT(due("none").empty() && due("refresh", 0).empty());
    CPPUNIT_ASSERT_MESSAGE("looking claims nothing", claimed(first).has_value());
  }

  void dueJobsLeaveOutWhatCannotBeClaimed() {
    const JobId later = added(job("refresh", in(60), 1));
    added(job("refresh", in(-10), 1));  // behind it
    const JobId running = added(job("refresh", in(-10), 2));
    CPPUNIT_ASSERT(claimed(running).has_value());
    Job waiting = job("refresh", in(-10), 3);
    waiting.state = JobState::kWaiting;
    waiting.after = running;
    added(waiting);
    const JobId free = added(job("refresh", in(-10), 4));
    CPPUNIT_ASSERT((due("refresh") == Ids{free}));
    CPPUNIT_ASSERT(end(later, JobState::kDropped));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, due("refresh").size());
  }

  void oneJobIsClaimedIfItIsQueuedDueOrNot() {
    const JobId early = added(job("refresh", in(5), 1));
    const JobId ready = added(job("refresh", now(), 2));
    CPPUNIT_ASSERT(claimed(early).has_value() && !claimed(999));
    const auto mine = claimed(ready);
    CPPUNIT_ASSERT(mine.has_value());
    CPPUNIT_ASSERT(mine->id == ready && mine->state == JobState::kRunning);
    CPPUNIT_ASSERT(mine->leaseUntil == in(60) && mine->contactId == ContactId{2});
    CPPUNIT_ASSERT_EQUAL(std::string("refresh"), mine->kind);
    CPPUNIT_ASSERT(job(ready).state == JobState::kRunning && job(ready).leaseUntil == in(60));
    CPPUNIT_ASSERT(!claimed(ready));
    CPPUNIT_ASSERT(end(ready, JobState::kDone));
    CPPUNIT_ASSERT(!claimed(ready));
  }

  void aContactsJobsAreClaimedInTheirOrder() {
    const JobId first = added(job("tags", in(-5), 1));
    const JobId second = added(job("tags", in(-50), 1));
    const JobId otherKind = added(job("refresh", in(-5), 1));
    CPPUNIT_ASSERT(!claimed(second));
    CPPUNIT_ASSERT(claimed(otherKind).has_value());
    CPPUNIT_ASSERT(claimed(first).has_value());
    CPPUNIT_ASSERT_MESSAGE("also while the first one runs", !claimed(second));
    CPPUNIT_ASSERT(end(first, JobState::kDone));
    CPPUNIT_ASSERT(claimed(second).has_value());
  }

  void aQueuedJobCanEndWithoutRunning() {
    const JobId first = added(job("refresh", in(-5), 1));
    Job behind = job("refresh", in(-5), 2);
    behind.state = JobState::kWaiting;
    behind.after = first;
    const JobId second = added(behind);
    CPPUNIT_ASSERT(end(first, JobState::kDone));
    CPPUNIT_ASSERT(job(first).state == JobState::kDone && job(first).endedAt == now());
    CPPUNIT_ASSERT(job(second).state == JobState::kQueued);
    behind.after = second;
    const JobId third = added(behind);
    CPPUNIT_ASSERT_MESSAGE("nor a waiting one", end(third, JobState::kDone));
  }

  void openJobsOfAContactAreListedByAge() {
    const JobId first = added(job("tags", in(60), 1));
    const JobId second = added(job("refresh", in(-5), 1));
    Job behind = job("field", in(-5), 1);
    behind.state = JobState::kWaiting;
    behind.after = first;
    const JobId third = added(behind);
    const JobId ended = added(job("tags", in(-5), 1));
    CPPUNIT_ASSERT(end(ended, JobState::kDone));
    added(job("tags", in(-5), 2));
    CPPUNIT_ASSERT(claimed(second).has_value());
    const auto of = [&](ContactId id) {
      return idsOf(seen([&](Reader& r) { return r.listOpenJobsOf(id); }));
    };
    CPPUNIT_ASSERT((of(1) == Ids{first, second, third}));
    CPPUNIT_ASSERT(of(3).empty());
  }

  void aJobMovesToAnotherContact() {
    Job one = job("password", in(60), 1);
    one.key = "c:1";
    one.id = added(one);
    const std::int64_t before = lastChange();
    Job wanted = one;
    wanted.contactId = 2;
    wanted.key = "c:2";
    wanted.payload = "{\"contact\":2}";
    wanted.attempts = 9;
    wanted.kind = "other";
    CPPUNIT_ASSERT(moved(wanted));
    const Job back = job(one.id);
    CPPUNIT_ASSERT(back.contactId == ContactId{2} && back.key == "c:2");
    CPPUNIT_ASSERT_EQUAL(wanted.payload, back.payload);
    CPPUNIT_ASSERT_MESSAGE("nothing else is written", back.attempts == 0 && back.dueAt == in(60));
    CPPUNIT_ASSERT_EQUAL(std::string("password"), back.kind);
    const auto told = changesAfter(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.size());
    CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kJob && told[0].ref == one.id);
    CPPUNIT_ASSERT_MESSAGE("its old key is free", added(one) != one.id);

    Job waiting = job("tags", in(60), 1);
    waiting.state = JobState::kWaiting;
    waiting.after = one.id;
    waiting.id = added(waiting);
    waiting.contactId = 2;
    CPPUNIT_ASSERT(moved(waiting));
    CPPUNIT_ASSERT(job(waiting.id).state == JobState::kWaiting);
  }

  void aJobIsNotMovedOntoAnOpenOneOfItsKey() {
    Job mine = job("password", in(60), 1);
    mine.key = "c:1";
    mine.id = added(mine);
    Job theirs = job("password", in(60), 2);
    theirs.key = "c:2";
    const JobId other = added(theirs);
    const std::int64_t before = lastChange();
    Job wanted = mine;
    wanted.contactId = 2;
    wanted.key = "c:2";
    CPPUNIT_ASSERT(!moved(wanted));
    CPPUNIT_ASSERT(job(mine.id).contactId == ContactId{1} && job(mine.id).key == "c:1");
    CPPUNIT_ASSERT(changesAfter(before).empty());
    wanted.key = "c:1";
    CPPUNIT_ASSERT_MESSAGE("its own key is no conflict", moved(wanted));
    CPPUNIT_ASSERT(end(other, JobState::kDone));
    wanted.key = "c:2";
    CPPUNIT_ASSERT_MESSAGE("an ended one is none either", moved(wanted));
  }

  void aRunningOrEndedJobIsNotMoved() {
    Job one = job("tags", in(-5), 1);
    one.id = added(one);
    CPPUNIT_ASSERT(claimed(one.id).has_value());
    one.contactId = 2;
    CPPUNIT_ASSERT(!moved(one));
    CPPUNIT_ASSERT(end(one.id, JobState::kDone));
    CPPUNIT_ASSERT(!moved(one));
    CPPUNIT_ASSERT(job(one.id).contactId == ContactId{1});
    one.id = 999;
    CPPUNIT_ASSERT(!moved(one));
  }

  static store::SessionRecord session(const std::string& digest, ContactId id) {
    return {digest, id, "password", at(1), at(1), at(1000)};
  }
  ContactId holderOf(const std::string& digest) {
    const auto found = seen([&](Reader& r) { return r.findSession(digest); });
    return found ? found->contactId : 0;
  }

  void sessionsMoveToAnotherContact() {
    write([](Tx& tx) {
      tx.saveSession(session("a", 1));
      tx.saveSession(session("b", 1));
      tx.saveSession(session("c", 3));
    });
    const std::int64_t before = lastChange();
    write([](Tx& tx) {
      tx.moveSessions(1, 2);
      tx.moveSessions(8, 9);  // has none
    });
    CPPUNIT_ASSERT(holderOf("a") == 2 && holderOf("b") == 2 && holderOf("c") == 3);
    const auto told = changesAfter(before);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, told.size());
    CPPUNIT_ASSERT(told[0].kind == store::ChangeKind::kSession && told[0].ref == 1);
  }

  // A contact with one of everything.
  void saveAll(ContactId id, const std::string& address, std::optional<Instant> deletedAt) {
    Contact one = contact(id, address);
    one.tags = {5, 6};
    one.deletedAt = deletedAt;
    Credential credential;
    credential.contactId = id;
    credential.hash = "hash";
    write([&](Tx& tx) {
      tx.saveContact(one);
      tx.saveCredential(credential);
      tx.saveSession(session("s" + std::to_string(id), id));
    });
  }
  // How many of its five rows are there.
  int left(ContactId id, const std::string& address) {
    return seen([&](Reader& r) {
      const auto tagged = r.contactsWithTag(6, 100);
      const auto owner = r.findContactByEmail(Email::parse(address).value());
      return (r.findContact(id) ? 1 : 0) + (owner && owner->id == id ? 1 : 0) +
             (r.findCredential(id) ? 1 : 0) + (r.findSession("s" + std::to_string(id)) ? 1 : 0) +
             static_cast<int>(std::count(tagged.begin(), tagged.end(), id));
    });
  }

  void purgingRemovesAllOfADeletedContactAndNothingElse() {
    saveAll(1, "a@example.org", at(99));
    saveAll(2, "b@example.org", at(100));
    saveAll(3, "c@example.org", std::nullopt);
    saveAll(4, "d@example.org", at(50));
    saveAll(5, "d@example.org", std::nullopt);  // has taken the e-mail of 4
    const std::int64_t before = lastChange();
    write([](Tx& tx) { tx.purgeDeleted(at(100)); });
    CPPUNIT_ASSERT_EQUAL(0, left(1, "a@example.org"));
    CPPUNIT_ASSERT_EQUAL(0, left(4, "d@example.org"));
    CPPUNIT_ASSERT_EQUAL(5, left(2, "b@example.org"));
    CPPUNIT_ASSERT_EQUAL(5, left(3, "c@example.org"));
    CPPUNIT_ASSERT_EQUAL(5, left(5, "d@example.org"));
    int contacts = 0;
    int credentials = 0;
    int sessions = 0;
    for (const auto& change : changesAfter(before)) {
      CPPUNIT_ASSERT(change.ref == 1 || change.ref == 4);
      contacts += change.kind == store::ChangeKind::kContact ? 1 : 0;
      credentials += change.kind == store::ChangeKind::kCredential ? 1 : 0;
      sessions += change.kind == store::ChangeKind::kSession ? 1 : 0;
    }
    CPPUNIT_ASSERT(contacts == 2 && credentials == 2 && sessions == 2);
    const std::int64_t after = lastChange();
    write([](Tx& tx) { tx.purgeDeleted(at(100)); });
    CPPUNIT_ASSERT(changesAfter(after).empty());
    save(contact(6, "a@example.org"));
    CPPUNIT_ASSERT_MESSAGE("its e-mail is free", !seen([](Reader& r) { return r.findContact(1); }));
  }

  void purgingTakesClosedGapsAndEndedSweepsButNotTheNewest() {
    const auto sweeps = [&] { return idsOf(seen([](Reader& r) { return r.listSweeps(9); })); };
    open("start");
    const Sweep old = begun();
    end(old, SweepState::kDone);
    open("hook");
    const std::int64_t unworked = gap("hook").id;
    const Sweep givenUp = begun();
    end(givenUp, SweepState::kGivenUp);
    backend_->clock().advance(std::chrono::hours{1});
    const Instant later = now();
    write([&](Tx& tx) { tx.purgeDeleted(later - std::chrono::hours{1}); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, gaps().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sweeps().size());
    write([&](Tx& tx) { tx.purgeDeleted(later); });
    CPPUNIT_ASSERT_MESSAGE("a gap goes once it is closed", (idsOf(gaps()) == Ids{unworked}));
    CPPUNIT_ASSERT((sweeps() == Ids{givenUp.id}));
    const Sweep last = begun();
    CPPUNIT_ASSERT(last.id > givenUp.id && gap("hook").sweep == last.id);
    backend_->clock().advance(std::chrono::hours{1});
    write([&](Tx& tx) { tx.purgeDeleted(now()); });
    CPPUNIT_ASSERT_MESSAGE("a running one stays", (sweeps() == Ids{last.id}));
    end(last, SweepState::kDone);
    backend_->clock().advance(std::chrono::hours{1});
    write([&](Tx& tx) { tx.purgeDeleted(now()); });
    CPPUNIT_ASSERT_MESSAGE("so that no id comes twice", (idsOf(gaps()) == Ids{unworked}));
    CPPUNIT_ASSERT((sweeps() == Ids{last.id}));
  }

  void theLastDeliveryIsOfItsRoute() {
    const auto last = [&](const char* route) {
      return seen([&](Reader& r) { return r.lastDeliveryAt(route); });
    };
    CPPUNIT_ASSERT(!last("events"));
    const auto deliver = [](Tx& tx, const char* route, Instant received) {
      store::DeliveryRecord record;
      record.receivedAt = received;
      record.route = route;
      record.status = "accepted";
      tx.addDelivery(record);
    };
    write([&](Tx& tx) {
      deliver(tx, "events", at(10));
      deliver(tx, "events", at(20));
      deliver(tx, "genpass", at(30));
    });
    CPPUNIT_ASSERT(last("events") == at(20) && last("genpass") == at(30));
    CPPUNIT_ASSERT(!last("auth"));
    write([&](Tx& tx) {
      for (int i = 0; i < 9999; ++i) deliver(tx, "genpass", at(40));
    });
    CPPUNIT_ASSERT_MESSAGE("10,000 newer ones hide it", !last("events"));
    CPPUNIT_ASSERT(last("genpass") == at(40));
  }

  std::unique_ptr<Backend> backend_;
};

}  // namespace mbr::test
