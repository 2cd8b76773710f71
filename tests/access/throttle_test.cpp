#include "access/throttle.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "access/rig.h"

namespace mbr::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string kAda = "ada@example.com";

class ThrottleTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ThrottleTest);
  CPPUNIT_TEST(fourFailuresCostNothingAndTheFifthASecond);
  CPPUNIT_TEST(aRefusedTryNeitherCountsNorProlongs);
  CPPUNIT_TEST(waitsDoubleUpTo15Minutes);
  CPPUNIT_TEST(successForgetsThePairsFailures);
  CPPUNIT_TEST(anotherAddressIsNotHeldByAPairsFailures);
  CPPUNIT_TEST(anAddressThatTriesManyAccountsIsSlowedDown);
  CPPUNIT_TEST(anAccountUnderAttackFromEverywhereTakesOneTryAMinute);
  CPPUNIT_TEST(theOwnersKnownAddressStaysOpenDuringTheAttack);
  CPPUNIT_TEST(aKnownPairIsForgottenAfter30Days);
  CPPUNIT_TEST(withoutAnAddressTheAccountTakesOneTryIn10Seconds);
  CPPUNIT_TEST(everythingIsForgottenAfterADay);
  CPPUNIT_TEST(triesAtTheSameTimeDoNotSlipPastEachOther);
  CPPUNIT_TEST(aReleasedTryNeverHappened);
  CPPUNIT_TEST(aTicketIsGoodForOneAnswer);
  CPPUNIT_TEST(aTryWithoutAnAnswerCountsAsFailed);
  CPPUNIT_TEST(countersSurviveARestartOnceFlushed);
  CPPUNIT_TEST(whoeverExplainsARefusalSeesWhatWasFlushed);
  CPPUNIT_TEST(countersSurviveARotationOfTheMasterKey);
  CPPUNIT_TEST(aFailedFlushIsMadeUpForByTheNext);
  CPPUNIT_TEST(aFlushWithoutChangesWritesNothing);
  CPPUNIT_TEST(theDatabaseShowsNeitherEmailNorAddress);
  CPPUNIT_TEST(aFloodOfInventedAccountsForgetsNoKnownPair);
  CPPUNIT_TEST(manyThreadsAdmitNoMoreThanTheRuleAllows);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  const passwords::KeyRing keys = test::keyRing();
  test::TestStore database{clock};
  SwitchedStore store{database.store()};
  Throttle throttle{store, keys, clock};
  const Address home = *Address::parse("192.0.2.1");
  const Address cafe = *Address::parse("198.51.100.7");

  static Address elsewhere(int n) {
    return *Address::parse("10." + std::to_string(n / 65536 % 256) + "." +
                           std::to_string(n / 256 % 256) + "." + std::to_string(n % 256));
  }

  // Fails `count` times, waiting as long as it takes.
  void fail(int count, const std::string& account, const std::optional<Address>& address) {
    for (int i = 0; i < count; ++i) {
      auto admission = throttle.admit(account, address);
      if (!admission.allowed) {
        clock.advance(admission.retryAfter);
        admission = throttle.admit(account, address);
      }
      CPPUNIT_ASSERT(admission.allowed);
      throttle.failed(admission.ticket);
    }
  }
  void succeed(const std::string& account, const std::optional<Address>& address) {
    const auto admission = throttle.admit(account, address);
    CPPUNIT_ASSERT(admission.allowed);
    throttle.succeeded(admission.ticket);
  }
  // Asks without leaving a trace.
  Milliseconds wait(Throttle& where, const std::string& account,
                    const std::optional<Address>& address) {
    const auto admission = where.admit(account, address);
    where.released(admission.ticket);
    CPPUNIT_ASSERT(admission.allowed == (admission.retryAfter == Milliseconds{0}));
    CPPUNIT_ASSERT(admission.allowed == (admission.ticket != 0));
    return admission.retryAfter;
  }
  Milliseconds wait(const std::string& account, const std::optional<Address>& address) {
    return wait(throttle, account, address);
  }

  void fourFailuresCostNothingAndTheFifthASecond() {
    for (int i = 0; i < 4; ++i) {
      fail(1, kAda, home);
      CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
    }
    fail(1, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{1});
    clock.advance(milliseconds{999});
    CPPUNIT_ASSERT(wait(kAda, home) == milliseconds{1});
    clock.advance(milliseconds{1});
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
  }

  void aRefusedTryNeitherCountsNorProlongs() {
    fail(7, kAda, home);
    for (int i = 0; i < 1000; ++i) CPPUNIT_ASSERT(!throttle.admit(kAda, home).allowed);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{4});
    clock.advance(seconds{4});
    fail(1, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{8});
  }

  void waitsDoubleUpTo15Minutes() {
    fail(15, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == minutes{15});
    clock.advance(minutes{15});
    fail(1, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == minutes{15});
  }

  void successForgetsThePairsFailures() {
    fail(6, kAda, home);
    clock.advance(seconds{2});
    succeed(kAda, home);
    fail(4, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
  }

  void anotherAddressIsNotHeldByAPairsFailures() {
    fail(10, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) > seconds{0});
    CPPUNIT_ASSERT(wait(kAda, cafe) == seconds{0});
    CPPUNIT_ASSERT(wait("bob@example.com", home) == seconds{0});
  }

  void anAddressThatTriesManyAccountsIsSlowedDown() {
    for (int i = 0; i < 49; ++i) fail(1, "member" + std::to_string(i), cafe);
    CPPUNIT_ASSERT(wait(kAda, cafe) == seconds{0});
    fail(1, "member49", cafe);
    CPPUNIT_ASSERT(wait(kAda, cafe) == seconds{1});
    clock.advance(seconds{1});
    fail(1, "member50", cafe);
    CPPUNIT_ASSERT(wait(kAda, cafe) == seconds{2});
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
  }

  void anAccountUnderAttackFromEverywhereTakesOneTryAMinute() {
    for (int i = 0; i < 100; ++i) fail(1, kAda, elsewhere(i));
    CPPUNIT_ASSERT(wait(kAda, elsewhere(500)) == seconds{60});
    clock.advance(seconds{60});
    fail(1, kAda, elsewhere(501));
    CPPUNIT_ASSERT(wait(kAda, elsewhere(502)) == seconds{60});
    CPPUNIT_ASSERT(wait("bob@example.com", elsewhere(502)) == seconds{0});
  }

  void theOwnersKnownAddressStaysOpenDuringTheAttack() {
    const auto first = throttle.admit(kAda, home);
    CPPUNIT_ASSERT(!first.knownPair);
    throttle.succeeded(first.ticket);
    for (int i = 0; i < 60; ++i) fail(1, "member" + std::to_string(i), home);  // beside her
    for (int i = 0; i < 100; ++i) fail(1, kAda, elsewhere(i));
    CPPUNIT_ASSERT(wait(kAda, cafe) == seconds{60});
    CPPUNIT_ASSERT(wait("bob@example.com", home) > seconds{60});
    const auto admission = throttle.admit(kAda, home);
    CPPUNIT_ASSERT(admission.allowed && admission.knownPair);
    throttle.failed(admission.ticket);
    fail(4, kAda, home);
    CPPUNIT_ASSERT_MESSAGE("her own failures still count", wait(kAda, home) == seconds{1});
  }

  void aKnownPairIsForgottenAfter30Days() {
    succeed(kAda, home);
    clock.advance(kKnownPairLife - milliseconds{1});
    CPPUNIT_ASSERT(throttle.admit(kAda, home).knownPair);
    clock.advance(milliseconds{1});
    CPPUNIT_ASSERT(!throttle.admit(kAda, home).knownPair);
  }

  void withoutAnAddressTheAccountTakesOneTryIn10Seconds() {
    for (int i = 0; i < 19; ++i) fail(1, kAda, std::nullopt);
    CPPUNIT_ASSERT(wait(kAda, std::nullopt) == seconds{0});
    fail(1, kAda, std::nullopt);
    CPPUNIT_ASSERT(wait(kAda, std::nullopt) == seconds{10});
    CPPUNIT_ASSERT(!throttle.admit(kAda, std::nullopt).allowed);
    clock.advance(seconds{10});
    succeed(kAda, std::nullopt);
    CPPUNIT_ASSERT_MESSAGE("success clears the pair alone",
                           (fail(1, kAda, std::nullopt), wait(kAda, std::nullopt) == seconds{10}));
  }

  void everythingIsForgottenAfterADay() {
    fail(15, kAda, home);
    clock.advance(hours{24});
    fail(4, kAda, home);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
  }

  void triesAtTheSameTimeDoNotSlipPastEachOther() {
    std::vector<ThrottleTicket> tickets;
    for (int i = 0; i < 5; ++i) tickets.push_back(throttle.admit(kAda, home).ticket);
    for (const ThrottleTicket ticket : tickets) CPPUNIT_ASSERT(ticket != 0);
    const auto sixth = throttle.admit(kAda, home);
    CPPUNIT_ASSERT(!sixth.allowed && sixth.retryAfter == seconds{1});
    for (const ThrottleTicket ticket : tickets) throttle.failed(ticket);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{1});
  }

  void aReleasedTryNeverHappened() {
    fail(4, kAda, home);
    for (int i = 0; i < 100; ++i) {
      const auto admission = throttle.admit(kAda, home);
      CPPUNIT_ASSERT(admission.allowed);
      throttle.released(admission.ticket);
    }
  }

  void aTicketIsGoodForOneAnswer() {
    const auto ticket = throttle.admit(kAda, home).ticket;
    for (int i = 0; i < 10; ++i) throttle.failed(ticket);
    throttle.succeeded(ticket);
    throttle.failed(0);
    throttle.failed(12345);
    CPPUNIT_ASSERT(!throttle.admit(kAda, home).knownPair);
    CPPUNIT_ASSERT(wait(kAda, home) == seconds{0});
  }

  void aTryWithoutAnAnswerCountsAsFailed() {
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(throttle.admit(kAda, home).allowed);
    clock.advance(minutes{1});
    CPPUNIT_ASSERT(throttle.flush().ok());
    fail(1, kAda, home);
    CPPUNIT_ASSERT_MESSAGE("five lost ones and one more", wait(kAda, home) == seconds{2});
  }

  void countersSurviveARestartOnceFlushed() {
    fail(8, kAda, home);
    succeed("bob@example.com", cafe);
    CPPUNIT_ASSERT(throttle.flush().ok());
    Throttle next(store, keys, clock);
    CPPUNIT_ASSERT(next.load().ok());
    CPPUNIT_ASSERT(wait(next, kAda, home) == seconds{8});
    CPPUNIT_ASSERT(next.admit("bob@example.com", cafe).knownPair);
    Throttle unloaded(store, keys, clock);
    CPPUNIT_ASSERT(wait(unloaded, kAda, home) == seconds{0});
    clock.advance(hours{24});
    Throttle tomorrow(store, keys, clock);
    CPPUNIT_ASSERT(tomorrow.load().ok());
    CPPUNIT_ASSERT(wait(tomorrow, kAda, home) == seconds{0});
    CPPUNIT_ASSERT(tomorrow.admit("bob@example.com", cafe).knownPair);
  }

  void whoeverExplainsARefusalSeesWhatWasFlushed() {
    const auto tallies = [&](const std::optional<Address>& address) {
      Tallies seen;
      database.read([&](store::Reader& reader) {
        seen = readTallies(reader, keys, kAda, address, clock.now());
      });
      return seen;
    };
    CPPUNIT_ASSERT_EQUAL(0, tallies(home).account.failures);
    fail(8, kAda, home);
    succeed(kAda, cafe);
    CPPUNIT_ASSERT(throttle.flush().ok());
    CPPUNIT_ASSERT_EQUAL(8, tallies({}).account.failures);
    CPPUNIT_ASSERT(!tallies({}).pair);
    CPPUNIT_ASSERT_EQUAL(8, tallies(home).pair->failures);
    CPPUNIT_ASSERT(waitFor(tallies(home), clock.now()) == wait(throttle, kAda, home));
    CPPUNIT_ASSERT(!tallies(home).knownPair && tallies(cafe).knownPair);
  }

  void countersSurviveARotationOfTheMasterKey() {
    fail(8, kAda, home);
    CPPUNIT_ASSERT(throttle.flush().ok());
    const auto rotated = test::keyRing(test::keyLine("k2", '2') + test::keyLine("k1", '1'));
    Throttle next(store, rotated, clock);
    CPPUNIT_ASSERT(next.load().ok());
    CPPUNIT_ASSERT(wait(next, kAda, home) == seconds{8});
  }

  void aFailedFlushIsMadeUpForByTheNext() {
    fail(8, kAda, home);
    store.down = true;
    CPPUNIT_ASSERT(throttle.flush().error().code == Code::kUnavailable);
    fail(1, "bob@example.com", home);
    store.down = false;
    CPPUNIT_ASSERT(throttle.flush().ok());
    Throttle next(store, keys, clock);
    CPPUNIT_ASSERT(next.load().ok());
    CPPUNIT_ASSERT(wait(next, kAda, home) == seconds{8});
  }

  void aFlushWithoutChangesWritesNothing() {
    fail(1, kAda, home);
    CPPUNIT_ASSERT(throttle.flush().ok());
    store.down = true;
    CPPUNIT_ASSERT(throttle.flush().ok());
    (void)wait(kAda, home);
    CPPUNIT_ASSERT(throttle.flush().ok());
  }

  void theDatabaseShowsNeitherEmailNorAddress() {
    fail(1, kAda, home);
    CPPUNIT_ASSERT(throttle.flush().ok());
    CPPUNIT_ASSERT(store
                       .read([&](store::Reader& reader) -> Outcome {
                         const auto records = reader.listThrottle(Instant{}, 10);
                         CPPUNIT_ASSERT_EQUAL(std::size_t{3}, records.size());
                         for (const auto& record : records) {
                           CPPUNIT_ASSERT_EQUAL(std::size_t{16}, record.key.size());
                           CPPUNIT_ASSERT(record.key.find("ada") == std::string::npos);
                         }
                         return Done{};
                       })
                       .ok());
  }

  void aFloodOfInventedAccountsForgetsNoKnownPair() {
    Throttle::Options small;
    small.maxEntries = 200;
    Throttle bounded(store, keys, clock, small);
    bounded.succeeded(bounded.admit(kAda, home).ticket);
    for (int i = 0; i < 5; ++i) bounded.failed(bounded.admit("bob@example.com", cafe).ticket);
    CPPUNIT_ASSERT(wait(bounded, "bob@example.com", cafe) == seconds{1});
    for (int i = 0; i < 1000; ++i) {
      bounded.failed(bounded.admit("invented" + std::to_string(i), elsewhere(i)).ticket);
    }
    CPPUNIT_ASSERT(bounded.admit(kAda, home).knownPair);
    CPPUNIT_ASSERT_MESSAGE("the oldest counters went",
                           wait(bounded, "bob@example.com", cafe) == seconds{0});
    CPPUNIT_ASSERT(bounded.flush().ok());
  }

  void manyThreadsAdmitNoMoreThanTheRuleAllows() {
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          const auto admission = throttle.admit(kAda, home);
          if (!admission.allowed) continue;
          ++admitted;
          throttle.failed(admission.ticket);
        }
      });
    }
    for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(throttle.flush().ok());
    for (std::thread& thread : threads) thread.join();
    CPPUNIT_ASSERT_EQUAL(5, admitted.load());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ThrottleTest);

}  // namespace
}  // namespace mbr::access
