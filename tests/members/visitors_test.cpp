#include "members/visitors.h"

#include "members/rig.h"

namespace mbr::members {

using namespace std::chrono_literals;

class VisitorsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(VisitorsTest);
  CPPUNIT_TEST(aMemberOnTheSiteIsRefreshedBehindEverybody);
  CPPUNIT_TEST(freshOnesAndThoseWhoLeftAreNot);
  CPPUNIT_TEST(whatIsCalledForAlreadyIsLeftAsItIs);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::MembersRig> rig_ = std::make_unique<test::MembersRig>();

  void visit(ContactId id) {
    store::SessionRecord session;
    session.digest = "session-" + std::to_string(id);
    session.contactId = id;
    session.via = "password";
    session.createdAt = session.usedAt = rig_->clock.now();
    session.expiresAt = rig_->clock.now() + 24h;
    rig_->write([&](store::Transaction& tx) { tx.saveSession(session); });
  }
  int refresh() {
    const auto count = refreshVisitors(rig_->store, rig_->clock, 15min);
    CPPUNIT_ASSERT(count.ok());
    return *count;
  }

  void aMemberOnTheSiteIsRefreshedBehindEverybody() {
    rig_->known(42, "a@example.com");
    rig_->clock.advance(16min);
    visit(42);
    CPPUNIT_ASSERT_EQUAL(1, refresh());
    const auto job = rig_->openJob(kRefreshJob, "42");
    CPPUNIT_ASSERT(job.has_value());
    CPPUNIT_ASSERT(job->lane == Lane::kReconcile);
    const auto who = readWhoPayload(job->payload);
    CPPUNIT_ASSERT(who && who->contactId == 42 && who->email == "a@example.com");
  }

  void freshOnesAndThoseWhoLeftAreNot() {
    rig_->known(42, "a@example.com");
    visit(42);
    rig_->known(43, "b@example.com");
    rig_->clock.advance(14min);
    visit(43);
    CPPUNIT_ASSERT_EQUAL(0, refresh());
    rig_->clock.advance(17min);  // 42 was here 31 minutes ago
    CPPUNIT_ASSERT_EQUAL(1, refresh());
    CPPUNIT_ASSERT(rig_->openJob(kRefreshJob, "43") && !rig_->openJob(kRefreshJob, "42"));
  }

  void whatIsCalledForAlreadyIsLeftAsItIs() {
    rig_->known(42, "a@example.com");
    rig_->clock.advance(16min);
    visit(42);
    CPPUNIT_ASSERT_EQUAL(1, refresh());
    Job failed = *rig_->openJob(kRefreshJob, "42");
    failed.dueAt = rig_->clock.now() + 1h;
    rig_->write([&](store::Transaction& tx) { tx.saveJob(failed); });
    CPPUNIT_ASSERT_EQUAL(0, refresh());
    CPPUNIT_ASSERT(rig_->openJob(kRefreshJob, "42")->dueAt == failed.dueAt);
  }

  void aStoreThatIsDownIsTold() {
    rig_->store.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT(!refreshVisitors(rig_->store, rig_->clock, 15min));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(VisitorsTest);

}  // namespace mbr::members
