#include "base/stop_flag.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <thread>

#include "base/thread_role.h"

using namespace mbr;
using namespace std::chrono_literals;

class StopFlagTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StopFlagTest);
  CPPUNIT_TEST(waitingEndsAtItsTime);
  CPPUNIT_TEST(aRaisedFlagEndsWaitingAtOnce);
  CPPUNIT_TEST(raisingWakesWhoWaits);
  CPPUNIT_TEST(aThreadIsAFastWorkerOnlyIfItSaidSo);
  CPPUNIT_TEST_SUITE_END();

  void waitingEndsAtItsTime() {
    const StopFlag flag;
    CPPUNIT_ASSERT(!flag.raised());
    CPPUNIT_ASSERT(!flag.waitUntil(std::chrono::steady_clock::now()));
    CPPUNIT_ASSERT(!flag.waitUntil(std::chrono::steady_clock::now() + 2ms));
  }

  void aRaisedFlagEndsWaitingAtOnce() {
    StopFlag flag;
    flag.raise();
    flag.raise();
    CPPUNIT_ASSERT(flag.raised());
    CPPUNIT_ASSERT(flag.waitUntil(std::chrono::steady_clock::now() + 1h));
  }

  void raisingWakesWhoWaits() {
    StopFlag flag;
    bool woken = false;
    std::thread waiter([&] { woken = flag.waitUntil(std::chrono::steady_clock::now() + 1h); });
    flag.raise();
    waiter.join();
    CPPUNIT_ASSERT(woken);
  }

  void aThreadIsAFastWorkerOnlyIfItSaidSo() {
    bool before = true;
    bool after = false;
    std::thread worker([&] {
      before = isFastWorker();
      declareFastWorker();
      after = isFastWorker();
    });
    worker.join();
    CPPUNIT_ASSERT(!before && after && !isFastWorker());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StopFlagTest);
