#include "sync/import_pace.h"

#include <cppunit/extensions/HelperMacros.h>

#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/test_store.h"

namespace mbr::sync {

using namespace std::chrono_literals;

class ImportPaceTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ImportPaceTest);
  CPPUNIT_TEST(tenMayFollowEachOtherAtOnce);
  CPPUNIT_TEST(aRefusalSaysHowLongToWait);
  CPPUNIT_TEST(noMinuteHoldsMoreThanTheImporterTakes);
  CPPUNIT_TEST(aRefusalTakesNothing);
  CPPUNIT_TEST(aClockThatIsSetBackDoesNotStopImports);
  CPPUNIT_TEST(withoutTheStoreThereIsNoRight);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  test::TestStore database_{clock_};
  test::FailingStore store_{database_};

  int takeAll() {
    int taken = 0;
    while (takeImportSlot(store_, clock_)) ++taken;
    return taken;
  }

  void tenMayFollowEachOtherAtOnce() {
    CPPUNIT_ASSERT_EQUAL(10, takeAll());
    clock_.advance(1h);
    CPPUNIT_ASSERT_EQUAL(10, takeAll());
  }

  void aRefusalSaysHowLongToWait() {
    takeAll();
    clock_.advance(100ms);
    const Outcome refused = takeImportSlot(store_, clock_);
    CPPUNIT_ASSERT(!refused && refused.error().code == Code::kBusy);
    CPPUNIT_ASSERT(refused.error().retryAfter == Milliseconds{567});
    clock_.advance(566ms);
    CPPUNIT_ASSERT(!takeImportSlot(store_, clock_));
    clock_.advance(1ms);
    CPPUNIT_ASSERT(takeImportSlot(store_, clock_));
  }

  // The worst minute begins with the burst.
  void noMinuteHoldsMoreThanTheImporterTakes() {
    int taken = 0;
    for (Milliseconds passed{0}; passed < 60s; passed += 50ms) {
      taken += takeAll();
      clock_.advance(50ms);
    }
    CPPUNIT_ASSERT(taken <= 100);
    CPPUNIT_ASSERT(taken >= 95);
    taken = 0;
    for (Milliseconds passed{0}; passed < 60s; passed += 50ms) {
      taken += takeAll();
      clock_.advance(50ms);
    }
    CPPUNIT_ASSERT(taken <= 90);
    CPPUNIT_ASSERT(taken >= 85);
  }

  void aRefusalTakesNothing() {
    takeAll();
    for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(!takeImportSlot(store_, clock_));
    clock_.advance(667ms);
    CPPUNIT_ASSERT_EQUAL(1, takeAll());
  }

  void aClockThatIsSetBackDoesNotStopImports() {
    clock_.advance(24h);
    takeAll();
    clock_.advance(-24h);
    CPPUNIT_ASSERT(takeImportSlot(store_, clock_));
    const Outcome next = takeImportSlot(store_, clock_);
    CPPUNIT_ASSERT(!next && next.error().retryAfter <= Milliseconds{667});
  }

  void withoutTheStoreThereIsNoRight() {
    store_.failAt(test::FailingStore::Step::kWork);
    const Outcome failed = takeImportSlot(store_, clock_);
    CPPUNIT_ASSERT(!failed && failed.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_EQUAL(10, takeAll());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ImportPaceTest);

}  // namespace mbr::sync
