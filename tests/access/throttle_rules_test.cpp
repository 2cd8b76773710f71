#include "access/throttle_rules.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mbr::access {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ThrottleRulesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ThrottleRulesTest);
  CPPUNIT_TEST(aPairWaitsFromItsFifthFailureAndDoubles);
  CPPUNIT_TEST(anAddressWaitsFromItsFiftiethFailureAndDoubles);
  CPPUNIT_TEST(anAccountAllowsOneTryAMinuteFromItsHundredthFailure);
  CPPUNIT_TEST(withoutAnAddressOneTryIn10SecondsFromTheTwentieth);
  CPPUNIT_TEST(aKnownPairIsHeldByItsOwnFailuresAlone);
  CPPUNIT_TEST(theLongestWaitDecides);
  CPPUNIT_TEST(theWaitRunsFromTheLastFailure);
  CPPUNIT_TEST(everythingIsForgottenADayAfterTheFirstFailure);
  CPPUNIT_TEST(aClockSetBackLocksNobodyOut);
  CPPUNIT_TEST_SUITE_END();

  const Instant t0{seconds{1700000000}};

  Tally failures(int count) const { return {count, t0, t0}; }

  Milliseconds pairWait(int count) const {
    Tallies tallies;
    tallies.pair = failures(count);
    tallies.address = Tally{};
    return waitFor(tallies, t0);
  }
  Milliseconds addressWait(int count) const {
    Tallies tallies;
    tallies.pair = Tally{};
    tallies.address = failures(count);
    return waitFor(tallies, t0);
  }

  void aPairWaitsFromItsFifthFailureAndDoubles() {
    for (int count = 0; count < 5; ++count) CPPUNIT_ASSERT(pairWait(count) == seconds{0});
    CPPUNIT_ASSERT(pairWait(5) == seconds{1});
    CPPUNIT_ASSERT(pairWait(6) == seconds{2});
    CPPUNIT_ASSERT(pairWait(14) == seconds{512});
    CPPUNIT_ASSERT(pairWait(15) == minutes{15});
    CPPUNIT_ASSERT(pairWait(1000000) == minutes{15});
  }

  void anAddressWaitsFromItsFiftiethFailureAndDoubles() {
    CPPUNIT_ASSERT(addressWait(49) == seconds{0});
    CPPUNIT_ASSERT(addressWait(50) == seconds{1});
    CPPUNIT_ASSERT(addressWait(53) == seconds{8});
    CPPUNIT_ASSERT(addressWait(60) == minutes{15});
  }

  void anAccountAllowsOneTryAMinuteFromItsHundredthFailure() {
    Tallies tallies;
    tallies.pair = Tally{};
    tallies.address = Tally{};
    tallies.account = failures(99);
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{0});
    for (const int count : {100, 101, 5000}) {
      tallies.account = failures(count);
      CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{60});
    }
  }

  void withoutAnAddressOneTryIn10SecondsFromTheTwentieth() {
    Tallies tallies;
    tallies.account = failures(19);
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{0});
    for (const int count : {20, 100, 5000}) {
      tallies.account = failures(count);
      CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{10});
    }
  }

  void aKnownPairIsHeldByItsOwnFailuresAlone() {
    Tallies tallies;
    tallies.pair = failures(4);
    tallies.address = failures(1000);
    tallies.account = failures(1000);
    tallies.knownPair = true;
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{0});
    tallies.pair = failures(7);
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{4});
  }

  void theLongestWaitDecides() {
    Tallies tallies;
    tallies.pair = failures(6);      // 2 s
    tallies.address = failures(55);  // 32 s
    tallies.account = failures(100);
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{60});
    tallies.account = failures(99);
    CPPUNIT_ASSERT(waitFor(tallies, t0) == seconds{32});
  }

  void theWaitRunsFromTheLastFailure() {
    Tallies tallies;
    tallies.pair = Tally{8, t0 - hours{1}, t0};  // 8 s
    tallies.address = Tally{};
    CPPUNIT_ASSERT(waitFor(tallies, t0 + Milliseconds{7999}) == Milliseconds{1});
    CPPUNIT_ASSERT(waitFor(tallies, t0 + seconds{8}) == seconds{0});
    CPPUNIT_ASSERT(waitFor(tallies, t0 + hours{3}) == seconds{0});
  }

  void everythingIsForgottenADayAfterTheFirstFailure() {
    Tally tally;
    for (int hour = 0; hour < 24; ++hour) tally = withFailure(tally, t0 + hours{hour});
    CPPUNIT_ASSERT_EQUAL(24, asOf(tally, t0 + hours{24} - Milliseconds{1}).failures);
    CPPUNIT_ASSERT_EQUAL(0, asOf(tally, t0 + hours{24}).failures);
    const Tally next = withFailure(tally, t0 + hours{24});
    CPPUNIT_ASSERT_EQUAL(1, next.failures);
    CPPUNIT_ASSERT(next.firstAt == t0 + hours{24});
  }

  void aClockSetBackLocksNobodyOut() {
    Tallies tallies;
    tallies.pair = Tally{7, t0, t0};  // 4 s
    tallies.address = Tally{};
    CPPUNIT_ASSERT(waitFor(tallies, t0 - hours{5}) == seconds{0});
    // Threads may read the clock in another order than they arrive in: no way around the wait.
    CPPUNIT_ASSERT(waitFor(tallies, t0 - Milliseconds{3}) == Milliseconds{4003});
    const Tally next = withFailure(*tallies.pair, t0 - hours{5});
    CPPUNIT_ASSERT(next.firstAt == t0 - hours{5} && next.lastAt == t0 - hours{5});
    CPPUNIT_ASSERT_EQUAL(8, next.failures);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ThrottleRulesTest);

}  // namespace
}  // namespace mbr::access
