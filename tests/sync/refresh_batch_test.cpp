#include "sync/captured_log.h"
#include "sync/rig.h"

namespace mbr::sync {

using namespace std::chrono_literals;

// Refreshes that go together.
class RefreshBatchTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RefreshBatchTest);
  CPPUNIT_TEST(manyRefreshesAreOnePage);
  CPPUNIT_TEST(fewGoSingly);
  CPPUNIT_TEST(moreThanAPageAreTwo);
  CPPUNIT_TEST(whoIsNamedByEmailOnlyGoesSingly);
  CPPUNIT_TEST(whomThePageDoesNotShowIsReadSingly);
  CPPUNIT_TEST(whoIsGoneIsMarkedBySingleReadAlone);
  CPPUNIT_TEST(withoutPartsAllAreReadSinglyAndNothingIsWiped);
  CPPUNIT_TEST(aPageThatFailsMarksNobodyAndIsReadAgain);
  CPPUNIT_TEST(aBodyThatComesWhileThePageIsOutWinsUntilTheNextRead);
  CPPUNIT_TEST(aPasswordThatAppearedIsAdopted);
  CPPUNIT_TEST(aWriteOfTheStoreThatFailsOnceDoesNoHarm);
  CPPUNIT_TEST(aJobThatIsNoLongerOursIsLeftAlone);
  CPPUNIT_TEST_SUITE_END();

  static constexpr ContactId kFirst = 101;

  static std::string mailOf(ContactId id) { return "m" + std::to_string(id) + "@example.com"; }
  // Members kFirst.. who are known otherwise here, with a refresh each.
  static void prepare(test::SyncRig& rig, int count) {
    rig.fillDirectories();
    for (int i = 0; i < count; ++i) {
      const ContactId id = kFirst + i;
      rig.known(id, mailOf(id), {1});
      rig.account.people[id] = {mailOf(id), "Ada", {{6, "Turin"}}, {{9000 + i, 2}}, {}};
    }
    rig.clock.advance(1s);
    rig.write([&](store::Transaction& tx) {
      for (int i = 0; i < count; ++i) members::enqueueRefresh(tx, {kFirst + i, ""});
    });
    rig.clock.advance(1s);
    rig.goTogether();
  }
  static bool isFresh(test::SyncRig& rig, ContactId id) {
    return rig.contact(id)->tags == std::vector<TagId>({2});
  }
  static void expectFresh(test::SyncRig& rig, int count, const std::string& where = "") {
    for (int i = 0; i < count; ++i) {
      CPPUNIT_ASSERT_MESSAGE(where + std::to_string(kFirst + i), isFresh(rig, kFirst + i));
    }
  }

  void manyRefreshesAreOnePage() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.finishAll();
    expectFresh(rig, 25);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.account.log().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{25}, rig.jobs().size());
    for (const Job& job : rig.jobs()) CPPUNIT_ASSERT(job.state == JobState::kDone);
  }

  void fewGoSingly() {
    test::SyncRig rig;
    prepare(rig, 9);
    rig.finishAll();
    expectFresh(rig, 9);
    CPPUNIT_ASSERT_EQUAL(9, rig.account.count("GET contacts/"));
  }

  void moreThanAPageAreTwo() {
    test::SyncRig rig;
    prepare(rig, 150);
    rig.finishAll();
    expectFresh(rig, 150);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.account.log().size());
  }

  void whoIsNamedByEmailOnlyGoesSingly() {
    test::SyncRig rig;
    JobId byEmail = 0;
    rig.write([&](store::Transaction& tx) {
      byEmail = members::enqueueRefresh(tx, {std::nullopt, "a@example.com"});
    });
    CPPUNIT_ASSERT(!joinsRefreshBatch(*rig.job(byEmail), rig.clock.now()));
    Job foreign;
    foreign.payload = "[1]";
    CPPUNIT_ASSERT(!joinsRefreshBatch(foreign, rig.clock.now()));
    prepare(rig, 12);
    rig.finishAll();
    expectFresh(rig, 12);
    CPPUNIT_ASSERT(rig.contact(42).has_value());
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("GET contacts"));
  }

  void whomThePageDoesNotShowIsReadSingly() {
    test::SyncRig rig;
    prepare(rig, 15);
    rig.account.unlisted = {kFirst, kFirst + 7};
    rig.finishAll();
    expectFresh(rig, 15);
    CPPUNIT_ASSERT_EQUAL(1, rig.account.count("GET contacts/101"));
    CPPUNIT_ASSERT_EQUAL(1, rig.account.count("GET contacts/108"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.account.log().size());
  }

  void whoIsGoneIsMarkedBySingleReadAlone() {
    test::SyncRig rig;
    prepare(rig, 15);
    rig.account.people.erase(kFirst + 3);
    bool marked = false;
    rig.account.before("GET contacts/104",
                       [&] { marked = rig.contact(kFirst + 3)->deletedAt.has_value(); });
    rig.finishAll();
    CPPUNIT_ASSERT(!marked);
    CPPUNIT_ASSERT(rig.contact(kFirst + 3)->deletedAt.has_value());
    CPPUNIT_ASSERT(isFresh(rig, kFirst));
    CPPUNIT_ASSERT(!rig.contact(kFirst)->deletedAt);
  }

  void withoutPartsAllAreReadSinglyAndNothingIsWiped() {
    test::SyncRig rig;
    prepare(rig, 12);
    rig.account.include = false;
    bool wiped = false;
    rig.account.before("GET contacts/101", [&] {
      for (int i = 0; i < 12; ++i) wiped = wiped || rig.contact(kFirst + i)->tags.empty();
    });
    rig.finishAll();
    CPPUNIT_ASSERT(!wiped);
    expectFresh(rig, 12);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.account.asked("GET contacts?").size());
  }

  void aPageThatFailsMarksNobodyAndIsReadAgain() {
    test::SyncRig rig;
    prepare(rig, 12);
    rig.account.answerOnce("GET contacts?", 502, "<html></html>");
    rig.account.answerOnce("GET contacts?", 200, R"({"contacts":{}})");
    rig.finishAll();
    expectFresh(rig, 12);
    for (int i = 0; i < 12; ++i) CPPUNIT_ASSERT(!rig.contact(kFirst + i)->deletedAt);
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("GET contacts/"));
  }

  void aBodyThatComesWhileThePageIsOutWinsUntilTheNextRead() {
    test::SyncRig rig;
    prepare(rig, 12);
    bool won = false;
    rig.account.before("GET contacts?", [&] {
      rig.clock.advance(1ms);
      Contact contact = *rig.contact(kFirst);
      contact.firstName = "Body";
      contact.changedAt = rig.clock.now();
      rig.write([&](store::Transaction& tx) { tx.saveContact(contact); });
      rig.account.before("GET contacts/101",
                         [&] { won = rig.contact(kFirst)->firstName == "Body"; });
    });
    rig.finishAll();
    CPPUNIT_ASSERT(won);
    CPPUNIT_ASSERT_EQUAL(std::string("Ada"), rig.contact(kFirst)->firstName);
    expectFresh(rig, 12);
  }

  void aPasswordThatAppearedIsAdopted() {
    test::SyncRig rig;
    prepare(rig, 12);
    rig.account.people[kFirst + 1].fields[3] = "theirs";
    rig.finishAll();
    CPPUNIT_ASSERT(rig.knows(kFirst + 1, "theirs"));
    CPPUNIT_ASSERT(!rig.credential(kFirst));
  }

  void aWriteOfTheStoreThatFailsOnceDoesNoHarm() {
    for (int nth = 1; nth < 40; ++nth) {
      test::SyncRig rig;
      prepare(rig, 12);
      rig.account.unlisted = {kFirst};
      const test::CapturedLog log;
      rig.store.failAt(test::FailingStore::Step::kWork, nth);
      rig.finishAll();
      const int failed = rig.store.failed();
      rig.store.failAt(test::FailingStore::Step::kWork, 1, 0);
      expectFresh(rig, 12, "write " + std::to_string(nth) + ": ");
      if (failed == 0) return;
    }
    CPPUNIT_FAIL("the jobs write without end");
  }

  void aJobThatIsNoLongerOursIsLeftAlone() {
    test::SyncRig rig;
    prepare(rig, 12);
    auto jobs = rig.claimTogether(members::kRefreshJob, &joinsRefreshBatch);
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, jobs.size());
    rig.account.unlisted = {kFirst};
    rig.account.before("GET contacts?", [&] {
      rig.passLease();
      std::vector<Job> taken;
      rig.write([&](store::Transaction& tx) {
        taken = tx.claimJobs(1, Lane::kBackfill, rig.clock.now() + rig.options.lease);
      });
      CPPUNIT_ASSERT_EQUAL(jobs.front().id, taken.front().id);
    });
    const StopFlag stop;
    const auto verdicts = runRefreshBatch(rig.workshop, jobs, stop);
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, verdicts.size());
    CPPUNIT_ASSERT(!members::readWhoPayload(rig.job(jobs.front().id)->payload)->singly);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RefreshBatchTest);

}  // namespace mbr::sync
