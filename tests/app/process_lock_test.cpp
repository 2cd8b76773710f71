#include "app/process_lock.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>

#include "app/app.h"
#include "support/temp_dir.h"

namespace mbr::app {

class ProcessLockTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProcessLockTest);
  CPPUNIT_TEST(theFirstIsAloneAndTheSecondIsNot);
  CPPUNIT_TEST(theSecondWaitsUntilTheFirstShares);
  CPPUNIT_TEST(whoComesAfterTheLastIsAloneAgain);
  CPPUNIT_TEST(whetherItIsHeldCanBeAsked);
  CPPUNIT_TEST(itsFileIsForItsOwnerOnly);
  CPPUNIT_TEST(aFileThatCannotBeMadeStopsTheStart);
  CPPUNIT_TEST_SUITE_END();

  const test::TempDir folder_;
  const std::string path_ = folder_.file("membergate.lock");

  void theFirstIsAloneAndTheSecondIsNot() {
    ProcessLock first(path_);
    CPPUNIT_ASSERT(first.wasAlone());
    first.share();
    CPPUNIT_ASSERT(!ProcessLock(path_).wasAlone());
    CPPUNIT_ASSERT(!ProcessLock(path_).wasAlone());
  }

  void theSecondWaitsUntilTheFirstShares() {
    ProcessLock first(path_);
    auto second = std::async(std::launch::async, [this] { return ProcessLock(path_).wasAlone(); });
    CPPUNIT_ASSERT(second.wait_for(std::chrono::milliseconds{50}) == std::future_status::timeout);
    first.share();
    CPPUNIT_ASSERT(!second.get());
  }

  void whoComesAfterTheLastIsAloneAgain() {
    auto first = std::make_unique<ProcessLock>(path_);
    first->share();
    auto second = std::make_unique<ProcessLock>(path_);
    first.reset();
    CPPUNIT_ASSERT(!ProcessLock(path_).wasAlone());
    second.reset();
    CPPUNIT_ASSERT(ProcessLock(path_).wasAlone());
  }

  void whetherItIsHeldCanBeAsked() {
    CPPUNIT_ASSERT(!ProcessLock::isHeld(path_));
    CPPUNIT_ASSERT(!ProcessLock::holderOf(path_));
    {
      ProcessLock lock(path_);
      CPPUNIT_ASSERT(ProcessLock::isHeld(path_));
      lock.share();
      CPPUNIT_ASSERT(ProcessLock::isHeld(path_));
      const auto holder = ProcessLock::holderOf(path_);
      CPPUNIT_ASSERT(!holder || *holder == ::getpid());
    }
    CPPUNIT_ASSERT(!ProcessLock::isHeld(path_));
  }

  void itsFileIsForItsOwnerOnly() {
    const ProcessLock lock(path_);
    struct stat status {};
    CPPUNIT_ASSERT_EQUAL(0, ::stat(path_.c_str(), &status));
    CPPUNIT_ASSERT_EQUAL(0600U, status.st_mode & 0777U);
  }

  void aFileThatCannotBeMadeStopsTheStart() {
    CPPUNIT_ASSERT_THROW(ProcessLock(folder_.file("none/lock")), StartError);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ProcessLockTest);

}  // namespace mbr::app
