#include "activecampaign/breaker.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "support/fake_clock.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;
using End = Breaker::End;

class BreakerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(BreakerTest);
  CPPUNIT_TEST(fiveFailuresInARowOpenIt);
  CPPUNIT_TEST(anAnswerInBetweenStartsTheCountAnew);
  CPPUNIT_TEST(oneProbeAtATimePassesAnOpenOne);
  CPPUNIT_TEST(thePauseDoublesUpToAMinute);
  CPPUNIT_TEST(aProbeThatWasNotMadeLeavesThePlaceToTheNext);
  CPPUNIT_TEST(aProbeThatIsAnsweredClosesIt);
  CPPUNIT_TEST(callsSentBeforeItOpenedDoNotLengthenThePause);
  CPPUNIT_TEST(threeDenialsInARowRefuseTheAccount);
  CPPUNIT_TEST(aRefusedAccountIsProbedOnceAMinute);
  CPPUNIT_TEST(tooManyRequestsSayNothingAboutTheKey);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  Breaker breaker{clock};

  void call(End end, int times = 1) {
    for (int i = 0; i < times; ++i) {
      auto pass = breaker.admit();
      CPPUNIT_ASSERT(pass);
      pass->end(end);
    }
  }

  void fiveFailuresInARowOpenIt() {
    call(End::kFailed, 4);
    CPPUNIT_ASSERT(!breaker.open());
    call(End::kFailed);
    CPPUNIT_ASSERT(breaker.open());
    const auto refused = breaker.admit();
    CPPUNIT_ASSERT(refused.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(refused.error().retryAfter == 1s);
  }

  void anAnswerInBetweenStartsTheCountAnew() {
    call(End::kFailed, 4);
    call(End::kAnswered);
    call(End::kFailed, 4);
    CPPUNIT_ASSERT(!breaker.open());
  }

  void oneProbeAtATimePassesAnOpenOne() {
    call(End::kFailed, 5);
    clock.advance(1s);
    auto probe = breaker.admit();
    CPPUNIT_ASSERT(probe);
    CPPUNIT_ASSERT(!breaker.admit());
  }

  void thePauseDoublesUpToAMinute() {
    call(End::kFailed, 5);
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
      CPPUNIT_ASSERT(breaker.admit().error().retryAfter == pause);
      clock.advance(pause - 1ms);
      CPPUNIT_ASSERT(!breaker.admit());
      clock.advance(1ms);
      call(End::kFailed);
    }
  }

  void aProbeThatWasNotMadeLeavesThePlaceToTheNext() {
    call(End::kFailed, 5);
    clock.advance(1s);
    { const auto dropped = breaker.admit(); }
    CPPUNIT_ASSERT(breaker.admit());
  }

  void aProbeThatIsAnsweredClosesIt() {
    call(End::kFailed, 5);
    clock.advance(1s);
    call(End::kAnswered);
    CPPUNIT_ASSERT(!breaker.open());
    call(End::kFailed, 4);
    CPPUNIT_ASSERT(!breaker.open());
  }

  void callsSentBeforeItOpenedDoNotLengthenThePause() {
    auto early = breaker.admit();
    call(End::kFailed, 5);
    early->end(End::kFailed);
    CPPUNIT_ASSERT(breaker.admit().error().retryAfter == 1s);
  }

  void threeDenialsInARowRefuseTheAccount() {
    call(End::kDenied, 2);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kWorking);
    call(End::kAnswered);
    call(End::kDenied, 3);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kRefused);
    CPPUNIT_ASSERT(!breaker.open());
    CPPUNIT_ASSERT(breaker.admit().error().code == Code::kDenied);
  }

  void aRefusedAccountIsProbedOnceAMinute() {
    call(End::kDenied, 3);
    for (int i = 0; i < 3; ++i) {
      CPPUNIT_ASSERT(breaker.admit().error().retryAfter == 60s);
      clock.advance(60s);
      call(End::kDenied);
    }
    clock.advance(60s);
    call(End::kAnswered);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kWorking);
  }

  void tooManyRequestsSayNothingAboutTheKey() {
    call(End::kDenied, 2);
    call(End::kBusy);
    call(End::kDenied);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kRefused);
    clock.advance(60s);
    call(End::kBusy);
    CPPUNIT_ASSERT(breaker.account() == AccountState::kRefused);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BreakerTest);

}  // namespace
}  // namespace mbr::activecampaign
