#include "members/last_login.h"

#include "base/time_format.h"
#include "members/rig.h"

namespace mbr::members {

class LastLoginTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LastLoginTest);
  CPPUNIT_TEST(aLoginIsWrittenDownByAJobOfTheLowestLane);
  CPPUNIT_TEST(whatIsWrittenDownSufficesForAnHour);
  CPPUNIT_TEST(aValueThatIsNoTimeIsReplaced);
  CPPUNIT_TEST(oneJobIsOpenAtATime);
  CPPUNIT_TEST(nothingIsWrittenWithoutAFieldOrIntoAnUnknownOne);
  CPPUNIT_TEST(aStoreThatRefusesDelaysNothing);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;
  int woken_ = 0;

 public:
  void setUp() override { rig_.fillDirectories(); }

 private:
  std::vector<Job> noted(const Contact& contact, const std::string& field = "CITY") {
    const LastLogin lastLogin(
        rig_.store, rig_.directories, rig_.clock, [this] { ++woken_; }, field);
    const std::size_t before = rig_.jobs().size();
    lastLogin.note(contact);
    rig_.write([](store::Transaction&) {});  // behind what was submitted
    auto jobs = rig_.jobs();
    jobs.erase(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(before));
    return jobs;
  }
  Contact withValue(const std::string& value) {
    Contact contact = rig_.known(42, "a@example.com");
    contact.fields["CITY"] = value;
    return contact;
  }

  void aLoginIsWrittenDownByAJobOfTheLowestLane() {
    const auto jobs = noted(rig_.known(42, "a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(1, woken_);
    const Job& job = jobs.front();
    CPPUNIT_ASSERT_EQUAL(std::string(kLastLoginJob), job.kind);
    CPPUNIT_ASSERT(job.lane == Lane::kBackfill);
    CPPUNIT_ASSERT(job.contactId == std::optional<ContactId>(42));
    const auto change = readChangePayload(job.payload);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, change->items.size());
    CPPUNIT_ASSERT_EQUAL(std::string("CITY"), change->items[0].name);
    CPPUNIT_ASSERT_EQUAL(formatRfc3339(rig_.clock.now()).substr(0, 19) + "+00:00",
                         change->items[0].value);
  }

  void whatIsWrittenDownSufficesForAnHour() {
    const auto ago = [this](Milliseconds time) {
      return withValue(formatRfc3339(rig_.clock.now() - time));
    };
    CPPUNIT_ASSERT(noted(ago(std::chrono::minutes{59})).empty());
    CPPUNIT_ASSERT(noted(ago(-std::chrono::minutes{2})).empty());  // clocks differ
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, noted(ago(std::chrono::minutes{60})).size());
  }

  void aValueThatIsNoTimeIsReplaced() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, noted(withValue("yesterday")).size());
  }

  void oneJobIsOpenAtATime() {
    const Contact contact = rig_.known(42, "a@example.com");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, noted(contact).size());
    CPPUNIT_ASSERT(noted(contact).empty());
    CPPUNIT_ASSERT_EQUAL(1, woken_);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, noted(rig_.known(43, "b@example.com")).size());
  }

  void nothingIsWrittenWithoutAFieldOrIntoAnUnknownOne() {
    const Contact contact = rig_.known(42, "a@example.com");
    CPPUNIT_ASSERT(noted(contact, "").empty());
    CPPUNIT_ASSERT(noted(contact, "NO_SUCH_FIELD").empty());
  }

  void aStoreThatRefusesDelaysNothing() {
    rig_.store.failAt(test::FailingStore::Step::kSubmit);
    CPPUNIT_ASSERT(noted(rig_.known(42, "a@example.com")).empty());
    CPPUNIT_ASSERT_EQUAL(0, woken_);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LastLoginTest);

}  // namespace mbr::members
