#include "app/housekeeper.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace mbr::app {

class HousekeeperTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HousekeeperTest);
  CPPUNIT_TEST(aChoreRunsAtStartAndThenEverySoOften);
  CPPUNIT_TEST(aChoreThatThrowsRunsAgain);
  CPPUNIT_TEST(aRareChoreDoesNotHoldUpAFrequentOne);
  CPPUNIT_TEST(stopEndsALongPauseAtOnce);
  CPPUNIT_TEST(withoutChoresItMayBeStartedAndStopped);
  CPPUNIT_TEST(withoutAStartItMayBeStopped);
  CPPUNIT_TEST_SUITE_END();

  // The waits are the machine's, so the clock is too.
  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int runs_ = 0;  // guarded by mutex_

  void count() {
    {
      const std::lock_guard lock(mutex_);
      ++runs_;
    }
    changed_.notify_all();
  }
  void awaitRuns(int runs) {
    std::unique_lock lock(mutex_);
    CPPUNIT_ASSERT(
        changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return runs_ >= runs; }));
  }

  void aChoreRunsAtStartAndThenEverySoOften() {
    Housekeeper housekeeper(clock_);
    housekeeper.add("chore", Milliseconds{1}, [this] { count(); });
    housekeeper.start();
    awaitRuns(3);
  }

  void aChoreThatThrowsRunsAgain() {
    Housekeeper housekeeper(clock_);
    housekeeper.add("chore", Milliseconds{1}, [this] {
      count();
      throw std::runtime_error("a bug");
    });
    housekeeper.add("other", Milliseconds{1}, [this] {
      count();
      throw 7;  // NOLINT: not even an exception
    });
    housekeeper.start();
    awaitRuns(6);
  }

  void aRareChoreDoesNotHoldUpAFrequentOne() {
    std::atomic<int> rare{0};
    Housekeeper housekeeper(clock_);
    housekeeper.add("rare", std::chrono::hours{1}, [&] { ++rare; });
    housekeeper.add("frequent", Milliseconds{1}, [this] { count(); });
    housekeeper.start();
    awaitRuns(5);
    housekeeper.stop();
    CPPUNIT_ASSERT_EQUAL(1, rare.load());
  }

  void stopEndsALongPauseAtOnce() {
    Housekeeper housekeeper(clock_);
    housekeeper.add("rare", std::chrono::hours{1}, [this] { count(); });
    housekeeper.start();
    awaitRuns(1);
    housekeeper.stop();
    housekeeper.stop();
  }

  void withoutChoresItMayBeStartedAndStopped() {
    Housekeeper housekeeper(clock_);
    housekeeper.start();
    housekeeper.stop();
  }

  void withoutAStartItMayBeStopped() { Housekeeper(clock_).stop(); }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HousekeeperTest);

}  // namespace mbr::app
