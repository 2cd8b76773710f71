#include "base/thread_role.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sched.h>

#include <thread>

namespace {

using namespace mbr;

int policy() { return sched_getscheduler(0); }

class ThreadRoleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ThreadRoleTest);
  CPPUNIT_TEST(aThreadIsAFastWorkerOnlyIfItSaidSo);
  CPPUNIT_TEST(whatAThreadStartsTakesTurnsToo);
  CPPUNIT_TEST(oneOfThemMayTakeTheCoreAgain);
  CPPUNIT_TEST_SUITE_END();

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

  void whatAThreadStartsTakesTurnsToo() {
    int child = -1;
    std::thread([&] {
      takeTurns();
      std::thread([&] { child = policy(); }).join();
    }).join();
    CPPUNIT_ASSERT_EQUAL(SCHED_BATCH, child);
    CPPUNIT_ASSERT_EQUAL(SCHED_OTHER, policy());
  }

  void oneOfThemMayTakeTheCoreAgain() {
    int child = -1;
    std::thread([&] {
      takeTurns();
      std::thread([&] {
        takeCoreAtOnce();
        child = policy();
      }).join();
    }).join();
    CPPUNIT_ASSERT_EQUAL(SCHED_OTHER, child);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ThreadRoleTest);

}  // namespace
