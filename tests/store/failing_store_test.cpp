// The store that other rooms' tests break on purpose.
#include "support/failing_store.h"

#include <cppunit/extensions/HelperMacros.h>

#include "support/test_store.h"

namespace mbr::test {
namespace {

class FailingStoreTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FailingStoreTest);
  CPPUNIT_TEST(failedWorkLeavesNothing);
  CPPUNIT_TEST(theChosenCallFailsAndTheNextPasses);
  CPPUNIT_TEST(aRefusedPieceNeverRuns);
  CPPUNIT_TEST(readsFailToo);
  CPPUNIT_TEST_SUITE_END();

  Outcome setMeta(const char* key) {
    return failing_.write([&](store::Transaction& tx) -> Outcome {
      ++runs_;
      tx.setMeta(key, "x");
      return Done{};
    });
  }
  bool hasMeta(const char* key) {
    bool found = false;
    inner_.read([&](store::Reader& r) { found = r.findMeta(key).has_value(); });
    return found;
  }

  void failedWorkLeavesNothing() {
    failing_.failAt(FailingStore::Step::kWork);
    const Outcome outcome = setMeta("a");
    CPPUNIT_ASSERT(!outcome && outcome.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_EQUAL(1, runs_);
    CPPUNIT_ASSERT(!hasMeta("a"));
  }

  void theChosenCallFailsAndTheNextPasses() {
    failing_.failAt(FailingStore::Step::kBegin, 2);
    CPPUNIT_ASSERT(setMeta("a").ok());
    CPPUNIT_ASSERT(!setMeta("b").ok());
    CPPUNIT_ASSERT(setMeta("c").ok());
    CPPUNIT_ASSERT(hasMeta("a") && !hasMeta("b") && hasMeta("c"));
    CPPUNIT_ASSERT_EQUAL(2, runs_);
    CPPUNIT_ASSERT_EQUAL(1, failing_.failed());
  }

  void aRefusedPieceNeverRuns() {
    failing_.failAt(FailingStore::Step::kSubmit);
    std::optional<Error> refused;
    failing_.submit([](store::Transaction&) -> Outcome { return Done{}; },
                    [&](const Outcome& outcome) { refused = outcome.error(); });
    CPPUNIT_ASSERT(refused && refused->code == Code::kBusy);
  }

  void readsFailToo() {
    failing_.failAt(FailingStore::Step::kRead);
    const auto nothing = [](store::Reader&) -> Outcome { return Done{}; };
    CPPUNIT_ASSERT(!failing_.read(nothing).ok());
    CPPUNIT_ASSERT(failing_.read(nothing).ok());
  }

  TestStore inner_;
  FailingStore failing_{inner_.store()};
  int runs_ = 0;
};

CPPUNIT_TEST_SUITE_REGISTRATION(FailingStoreTest);

}  // namespace
}  // namespace mbr::test
