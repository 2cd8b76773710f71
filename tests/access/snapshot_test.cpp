#include "access/snapshot.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <thread>

#include "support/fake_clock.h"

namespace mbr::access {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SnapshotTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SnapshotTest);
  CPPUNIT_TEST(itIsReadOnceUntilItIsStale);
  CPPUNIT_TEST(itIsReadAnewAfterAMinuteAtTheLatest);
  CPPUNIT_TEST(aFailedReadKeepsTheOldCopyAndIsTriedAgain);
  CPPUNIT_TEST(withoutAnyCopyThereIsNothing);
  CPPUNIT_TEST(aChangeWhileReadingMakesItStaleAgain);
  CPPUNIT_TEST(othersGoOnWithTheOldCopyWhileOneReads);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  int reads = 0;
  int value = 1;
  bool down = false;

  Snapshot<int> make() {
    return Snapshot<int>("test", clock, [this]() -> Result<int> {
      ++reads;
      if (down) return Error{Code::kUnavailable, "switched off"};
      return value;
    });
  }

  void itIsReadOnceUntilItIsStale() {
    auto snapshot = make();
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    value = 2;
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    CPPUNIT_ASSERT_EQUAL(1, reads);
    snapshot.markStale();
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
    CPPUNIT_ASSERT_EQUAL(2, reads);
  }

  void itIsReadAnewAfterAMinuteAtTheLatest() {
    auto snapshot = make();
    (void)snapshot.get();
    value = 2;
    clock.advance(seconds{59});
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    clock.advance(seconds{1});
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
  }

  void aFailedReadKeepsTheOldCopyAndIsTriedAgain() {
    auto snapshot = make();
    (void)snapshot.get();
    value = 2;
    down = true;
    snapshot.markStale();
    for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    CPPUNIT_ASSERT_EQUAL(2, reads);  // not at every call
    CPPUNIT_ASSERT(snapshot.reload().error().code == Code::kUnavailable);
    down = false;
    clock.advance(milliseconds{100});
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
  }

  void withoutAnyCopyThereIsNothing() {
    auto snapshot = make();
    down = true;
    CPPUNIT_ASSERT(snapshot.get() == nullptr);
    down = false;
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
  }

  void aChangeWhileReadingMakesItStaleAgain() {
    Snapshot<int>* self = nullptr;
    Snapshot<int> snapshot("test", clock, [&]() -> Result<int> {
      if (++reads == 1) self->markStale();
      return reads;
    });
    self = &snapshot;
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
  }

  void othersGoOnWithTheOldCopyWhileOneReads() {
    std::promise<void> reading, mayEnd;
    Snapshot<int> snapshot("test", clock, [&]() -> Result<int> {
      if (++reads == 2) {
        reading.set_value();
        mayEnd.get_future().wait();
      }
      return reads;
    });
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    snapshot.markStale();
    std::thread reader([&] { CPPUNIT_ASSERT_EQUAL(2, *snapshot.get()); });
    reading.get_future().wait();
    CPPUNIT_ASSERT_EQUAL(1, *snapshot.get());
    mayEnd.set_value();
    reader.join();
    CPPUNIT_ASSERT_EQUAL(2, *snapshot.get());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SnapshotTest);

}  // namespace
}  // namespace mbr::access
