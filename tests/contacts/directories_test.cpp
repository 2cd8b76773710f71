#include "contacts/directories.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>

#include "contacts/paused_store.h"
#include "support/failing_store.h"
#include "support/test_store.h"

namespace mbr::contacts {

class DirectoriesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DirectoriesTest);
  CPPUNIT_TEST(anEmptyStoreGivesIncompleteNames);
  CPPUNIT_TEST(whatIsInTheStoreIsReadOnce);
  CPPUNIT_TEST(aChangeIsReadAgain);
  CPPUNIT_TEST(aSnapshotInHandStaysAsItWas);
  CPPUNIT_TEST(aFailedReadKeepsTheOlderSnapshotAndTriesAgain);
  CPPUNIT_TEST(whoAsksAfterAChangeSeesItAlsoWhileAnotherReads);
  CPPUNIT_TEST(anOlderReadDoesNotReplaceANewerOne);
  CPPUNIT_TEST_SUITE_END();

  test::TestStore database_;
  test::FailingStore failing_{database_};
  PausedStore store_{failing_};
  Directories directories_{store_};

  // As the store's listener would.
  void saveTag(TagId id, const std::string& name) {
    database_.write([&](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{id, name}});
      tx.setMeta(kDirectoriesFetched, "now");
    });
    directories_.invalidate();
  }
  std::string tag(TagId id) { return std::string(directories_.names()->tagName(id)); }

  void anEmptyStoreGivesIncompleteNames() {
    CPPUNIT_ASSERT(!directories_.names()->complete());
    saveTag(2, "Gold");
    CPPUNIT_ASSERT(directories_.names()->complete());
  }

  void whatIsInTheStoreIsReadOnce() {
    saveTag(2, "Gold");
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), tag(2));
    const int reads = store_.reads();
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), tag(2));
    CPPUNIT_ASSERT_EQUAL(reads, store_.reads());
  }

  void aChangeIsReadAgain() {
    saveTag(2, "Gold");
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), tag(2));
    saveTag(2, "Golden");
    CPPUNIT_ASSERT_EQUAL(std::string("Golden"), tag(2));
  }

  void aSnapshotInHandStaysAsItWas() {
    saveTag(2, "Gold");
    const auto before = directories_.names();
    saveTag(2, "Golden");
    (void)directories_.names();
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), std::string(before->tagName(2)));
  }

  void aFailedReadKeepsTheOlderSnapshotAndTriesAgain() {
    saveTag(2, "Gold");
    (void)directories_.names();
    saveTag(2, "Golden");
    failing_.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), tag(2));
    CPPUNIT_ASSERT_EQUAL(std::string("Golden"), tag(2));
  }

  void whoAsksAfterAChangeSeesItAlsoWhileAnotherReads() {
    saveTag(2, "Gold");
    store_.holdNextRead();
    auto other = std::async(std::launch::async, [this] { return directories_.names(); });
    store_.awaitHeld();
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), tag(2));
    store_.letGo();
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"), std::string(other.get()->tagName(2)));
  }

  void anOlderReadDoesNotReplaceANewerOne() {
    saveTag(2, "old");
    store_.holdNextRead();
    auto slow = std::async(std::launch::async, [this] { return directories_.names(); });
    store_.awaitHeld();
    saveTag(2, "new");
    CPPUNIT_ASSERT_EQUAL(std::string("new"), tag(2));
    store_.letGo();
    (void)slow.get();
    CPPUNIT_ASSERT_EQUAL(std::string("new"), tag(2));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(DirectoriesTest);

}  // namespace mbr::contacts
