#include "base/result.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <set>
#include <string>

using namespace mbr;

class ResultTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ResultTest);
  CPPUNIT_TEST(holdsAValueOrAnError);
  CPPUNIT_TEST(aValueCanBeMovedOut);
  CPPUNIT_TEST(anErrorCanBeTheValueOfAnotherType);
  CPPUNIT_TEST(readingWhatIsNotThereAborts);
  CPPUNIT_TEST(everyCodeHasAWordOfItsOwn);
  CPPUNIT_TEST_SUITE_END();

  void holdsAValueOrAnError() {
    const Result<int> good = 7;
    CPPUNIT_ASSERT(good.ok() && good && *good == 7 && good.value() == 7);
    const Result<int> bad = Error{Code::kBusy, "full", std::chrono::milliseconds{250}};
    CPPUNIT_ASSERT(!bad.ok() && !bad);
    CPPUNIT_ASSERT(bad.error().code == Code::kBusy);
    CPPUNIT_ASSERT_EQUAL(std::string("full"), bad.error().detail);
    CPPUNIT_ASSERT(bad.error().retryAfter == std::chrono::milliseconds{250});
    const Outcome done = Done{};
    CPPUNIT_ASSERT(done.ok());
  }

  void aValueCanBeMovedOut() {
    Result<std::unique_ptr<int>> held = std::make_unique<int>(3);
    CPPUNIT_ASSERT_EQUAL(3, **held);
    const std::unique_ptr<int> out = std::move(held).value();
    CPPUNIT_ASSERT_EQUAL(3, *out);
  }

  void anErrorCanBeTheValueOfAnotherType() {
    const Result<std::string> text = Error{Code::kNotFound, "none"};
    const Outcome passedOn = text.error();
    CPPUNIT_ASSERT(passedOn.error().code == Code::kNotFound);
  }

  static int signalOf(void (*misuse)()) {
    const pid_t child = fork();
    if (child == 0) {
      const rlimit none{0, 0};
      setrlimit(RLIMIT_CORE, &none);
      std::signal(SIGABRT, SIG_DFL);
      misuse();
      _exit(0);
    }
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  void readingWhatIsNotThereAborts() {
    CPPUNIT_ASSERT_EQUAL(SIGABRT, signalOf([] {
                           const Result<int> bad = Error{};
                           _exit(bad.value());
                         }));
    CPPUNIT_ASSERT_EQUAL(SIGABRT, signalOf([] {
                           const Result<int> good = 1;
                           _exit(static_cast<int>(good.error().code));
                         }));
  }

  void everyCodeHasAWordOfItsOwn() {
    std::set<std::string_view> words;
    for (const Code code : {Code::kInvalid, Code::kDenied, Code::kNotFound, Code::kConflict,
                            Code::kBusy, Code::kUnavailable, Code::kInternal}) {
      words.insert(toString(code));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, words.size());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ResultTest);
