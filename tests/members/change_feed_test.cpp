#include "members/change_feed.h"

#include "members/rig.h"

namespace mbr::members {

using Kind = store::ChangeKind;
using Ids = std::vector<std::int64_t>;

class ChangeFeedTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChangeFeedTest);
  CPPUNIT_TEST(eachContactIsNamedOnceAsItChangedLast);
  CPPUNIT_TEST(onlyWhatAReaderSeesCounts);
  CPPUNIT_TEST(aFullPageEndsBeforeTheNextContact);
  CPPUNIT_TEST(whatLiesBeforeIsLeftOut);
  CPPUNIT_TEST(readingGoesOnWhereThePageBeforeEnded);
  CPPUNIT_TEST(aPullThatShowedNothingNewIsNoChange);
  CPPUNIT_TEST(whatIsNoLongerKeptMustBeReadAnew);
  CPPUNIT_TEST(aChangeThatNeverWasMustBeReadAnew);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::MembersRig> rig_ = std::make_unique<test::MembersRig>();
  const ChangeFeed feed_{rig_->store};

  static store::Change change(std::int64_t id, Kind kind, std::int64_t ref) {
    return {id, kind, ref, Instant{std::chrono::seconds{id}}};
  }
  static Ids contactsOf(const ChangeFeed::Page& page) {
    Ids ids;
    for (const ContactChange& one : page.changes) ids.push_back(one.contact);
    return ids;
  }
  ChangeFeed::Page read(std::int64_t after, int limit = 100) const {
    auto page = feed_.read(after, limit);
    CPPUNIT_ASSERT(page.ok());
    return *page;
  }

  void eachContactIsNamedOnceAsItChangedLast() {
    const auto page = ChangeFeed::pageOf(
        {change(1, Kind::kContact, 7), change(2, Kind::kContact, 8), change(3, Kind::kContact, 7)},
        0, 10);
    CPPUNIT_ASSERT((contactsOf(page) == Ids{8, 7}));
    CPPUNIT_ASSERT(page.changes[1].id == 3 && page.last == 3 && page.complete);
    CPPUNIT_ASSERT(page.changes[1].at == Instant{std::chrono::seconds{3}});
  }

  void onlyWhatAReaderSeesCounts() {
    const auto page = ChangeFeed::pageOf(
        {change(1, Kind::kJob, 7), change(2, Kind::kTouched, 8), change(3, Kind::kSession, 9)}, 0,
        10);
    CPPUNIT_ASSERT(page.changes.empty() && page.last == 3);
  }

  void aFullPageEndsBeforeTheNextContact() {
    const auto page =
        ChangeFeed::pageOf({change(1, Kind::kContact, 7), change(2, Kind::kContact, 7),
                            change(3, Kind::kJob, 1), change(4, Kind::kContact, 8)},
                           0, 1);
    CPPUNIT_ASSERT((contactsOf(page) == Ids{7}));
    CPPUNIT_ASSERT(page.last == 3 && !page.complete && page.changes[0].id == 2);
  }

  void whatLiesBeforeIsLeftOut() {
    const auto page =
        ChangeFeed::pageOf({change(4, Kind::kContact, 7), change(5, Kind::kContact, 8)}, 4, 10);
    CPPUNIT_ASSERT((contactsOf(page) == Ids{8}));
    CPPUNIT_ASSERT(ChangeFeed::pageOf({change(4, Kind::kContact, 7)}, 9, 10).last == 9);
  }

  void readingGoesOnWhereThePageBeforeEnded() {
    for (ContactId id = 1; id <= 3; ++id)
      rig_->known(id, "c" + std::to_string(id) + "@example.com");
    const auto first = read(0, 2);
    CPPUNIT_ASSERT((contactsOf(first) == Ids{1, 2}) && !first.complete);
    const auto second = read(first.last, 2);
    CPPUNIT_ASSERT((contactsOf(second) == Ids{3}) && second.complete);
    CPPUNIT_ASSERT(read(second.last).changes.empty() && !read(second.last).resync);
  }

  void aPullThatShowedNothingNewIsNoChange() {
    const Contact contact = rig_->known(1, "a@example.com");
    const auto before = read(0).last;
    rig_->write([&](store::Transaction& tx) { tx.touchContact(contact); });
    const auto page = read(before);
    CPPUNIT_ASSERT(page.changes.empty() && page.last > before);
  }

  void whatIsNoLongerKeptMustBeReadAnew() {
    rig_->known(1, "a@example.com");
    rig_->known(2, "b@example.com");
    const auto before = read(0);
    rig_->clock.advance(std::chrono::hours{1});
    rig_->known(3, "c@example.com");
    const Instant now = rig_->clock.now();
    rig_->write([&](store::Transaction& tx) { tx.prune({}, now, {}, {}); });
    CPPUNIT_ASSERT(read(0).resync && read(0).changes.empty());
    CPPUNIT_ASSERT(read(0).last == before.last + 1);
    CPPUNIT_ASSERT_MESSAGE("whoever has seen all that is gone misses nothing",
                           (contactsOf(read(before.last)) == Ids{3}));
  }

  void aChangeThatNeverWasMustBeReadAnew() {
    rig_->known(1, "a@example.com");
    const auto last = read(0).last;
    CPPUNIT_ASSERT(!read(last).resync && read(last + 1).resync);
    CPPUNIT_ASSERT_EQUAL(last, read(last + 1).last);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChangeFeedTest);

}  // namespace mbr::members
