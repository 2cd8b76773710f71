#include "ops/signals.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

using namespace mbr;

class SignalsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SignalsTest);
  CPPUNIT_TEST(onlyTermAndIntEndTheWait);
  CPPUNIT_TEST(aWaitMayHaveAnEnd);
  CPPUNIT_TEST(theParentSeesTheSignalThatEndedIt);
  CPPUNIT_TEST(aBrokenPipeKillsNobody);
  CPPUNIT_TEST_SUITE_END();

  // In a process of its own, since masks are inherited. Returns what it exits with.
  template <class Body>
  static int inChild(const Body& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void onlyTermAndIntEndTheWait() {
    for (const int ending : {SIGTERM, SIGINT}) {
      CPPUNIT_ASSERT_EQUAL(ending, inChild([ending] {
                             const auto signals = ops::blockStopSignals();
                             for (const int other : {SIGHUP, SIGUSR1}) kill(getpid(), other);
                             kill(getpid(), ending);
                             return ops::waitForStop(signals);
                           }));
    }
  }

  void aWaitMayHaveAnEnd() {
    CPPUNIT_ASSERT_EQUAL(0, inChild([] {
                           const auto signals = ops::blockStopSignals();
                           for (const int other : {SIGHUP, SIGUSR1}) kill(getpid(), other);
                           return ops::waitForStop(signals, Milliseconds{1}).value_or(0);
                         }));
    for (const int ending : {SIGTERM, SIGINT}) {
      CPPUNIT_ASSERT_EQUAL(ending, inChild([ending] {
                             const auto signals = ops::blockStopSignals();
                             kill(getpid(), ending);
                             return ops::waitForStop(signals, std::chrono::seconds{20}).value_or(0);
                           }));
    }
  }

  void theParentSeesTheSignalThatEndedIt() {
    const pid_t child = fork();
    if (child == 0) {
      ops::blockStopSignals();
      ops::endBy(SIGTERM);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CPPUNIT_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  }

  void aBrokenPipeKillsNobody() {
    CPPUNIT_ASSERT_EQUAL(7, inChild([] {
                           ops::blockStopSignals();
                           raise(SIGPIPE);
                           return 7;
                         }));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SignalsTest);

}  // namespace
