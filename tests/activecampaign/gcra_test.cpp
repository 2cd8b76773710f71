#include "activecampaign/gcra.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <random>

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;

const Instant t0{std::chrono::seconds{1700000000}};

// Spends from one row as a process does.
class Account {
 public:
  explicit Account(Rate rate) : rate_(rate) {}

  bool trySend(Instant now, Lane lane) {
    last_ = decide(row_, now, lane, rate_);
    if (last_.allowed || last_.corrected) row_ = last_.after;
    if (last_.allowed) sends_.push_back(now);
    return last_.allowed;
  }
  Milliseconds wait() const { return last_.wait; }
  bool probe() const { return last_.probe; }
  store::BudgetRecord& row() { return row_; }

  std::size_t mostIn(Milliseconds window) const {
    std::size_t most = 0;
    for (auto from = sends_.begin(); from != sends_.end(); ++from) {
      const auto to = std::lower_bound(from, sends_.end(), *from + window);
      most = std::max(most, static_cast<std::size_t>(to - from));
    }
    return most;
  }
  std::size_t count() const { return sends_.size(); }

 private:
  Rate rate_;
  store::BudgetRecord row_;
  Decision last_;
  std::vector<Instant> sends_;
};

class GcraTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GcraTest);
  CPPUNIT_TEST(aWindowHoldsFiveRequestsAtTheDefaultRate);
  CPPUNIT_TEST(loggingInMayUseTheWholeWindowAtOnce);
  CPPUNIT_TEST(otherLanesAreSpacedEvenly);
  CPPUNIT_TEST(anIdleAccountHasOneSlotOfArrearsAndNoMore);
  CPPUNIT_TEST(theSlotsLeaveRoomForALoginWithinATenthOfASecond);
  CPPUNIT_TEST(noWindowEverHoldsMoreThanItsShareWhateverArrives);
  CPPUNIT_TEST(slotsKeepTheRateWhereItsInverseIsNoWholeMillisecond);
  CPPUNIT_TEST(aFreezeStopsEveryLaneAndEndsWithOneProbe);
  CPPUNIT_TEST(aProbeThatSucceedsLetsTheOthersGo);
  CPPUNIT_TEST(aFreezeAfterTheProbeOutlivesIt);
  CPPUNIT_TEST(retryAfterIsMovedIntoOneSecondToTwoMinutes);
  CPPUNIT_TEST(aShorterFreezeDoesNotShortenAStandingOne);
  CPPUNIT_TEST(aClockThatWasSetBackCostsTwoSecondsAtMost);
  CPPUNIT_TEST(theRowHoldsNoMoreThanOneWindow);
  CPPUNIT_TEST(aRefusalChangesNothing);
  CPPUNIT_TEST(sendsAreCountedAfterAndUpTo);
  CPPUNIT_TEST(yieldingLeavesAnotherClientWhatItUses);
  CPPUNIT_TEST(yieldingTwiceIsYieldingOnce);
  CPPUNIT_TEST(yieldingChangesNothingWhereThereIsRoom);
  CPPUNIT_TEST(yieldingNeverStarvesNorHoldsBackALogin);
  CPPUNIT_TEST_SUITE_END();

  void aWindowHoldsFiveRequestsAtTheDefaultRate() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, Rate(4.0).perWindow());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, Rate(0.1).perWindow());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1250}, Rate(1000).perWindow());
    CPPUNIT_ASSERT(Rate(4.0).interval() == 250ms);
    CPPUNIT_ASSERT(Rate(0.001).interval() == 10s);
    CPPUNIT_ASSERT(Rate(1e9).interval() == 1ms);
  }

  void loggingInMayUseTheWholeWindowAtOnce() {
    Account account(Rate(4.0));
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(account.trySend(t0, Lane::kLogin));
    CPPUNIT_ASSERT(!account.trySend(t0, Lane::kLogin));
    CPPUNIT_ASSERT(account.wait() == kWindow);
    CPPUNIT_ASSERT(account.trySend(t0 + account.wait(), Lane::kLogin));
  }

  void otherLanesAreSpacedEvenly() {
    Account account(Rate(4.0));
    account.row().nextSlot = t0;
    for (int i = 0; i < 100; ++i) {
      const Instant slot = t0 + i * 250ms;
      if (i > 0) {
        CPPUNIT_ASSERT(!account.trySend(slot - 1ms, Lane::kPassword));
        CPPUNIT_ASSERT(account.wait() == 1ms);
      }
      CPPUNIT_ASSERT(account.trySend(slot, Lane::kPassword));
    }
  }

  void anIdleAccountHasOneSlotOfArrearsAndNoMore() {
    Account account(Rate(4.0));
    CPPUNIT_ASSERT(account.trySend(t0, Lane::kSite));
    CPPUNIT_ASSERT(account.trySend(t0, Lane::kSite));
    CPPUNIT_ASSERT(!account.trySend(t0, Lane::kSite));
    CPPUNIT_ASSERT(account.wait() == 250ms);
  }

  void theSlotsLeaveRoomForALoginWithinATenthOfASecond() {
    Account account(Rate(4.0));
    Instant now = t0;
    for (; now < t0 + 20s; now += 1ms) account.trySend(now, Lane::kBackfill);
    const Instant asked = now;
    while (!account.trySend(now, Lane::kLogin)) now += account.wait();
    CPPUNIT_ASSERT(now - asked <= 100ms);
  }

  void noWindowEverHoldsMoreThanItsShareWhateverArrives() {
    std::mt19937 random(7);
    for (const double perSecond : {0.1, 0.9, 1.0, 4.0, 7.3, 50.0, 333.0, 1000.0}) {
      const Rate rate(perSecond);
      Account account(rate);
      Instant now = t0;
      const int meanGapMs = std::max(1, static_cast<int>(500 / perSecond));
      for (int i = 0; i < 4000; ++i) {
        now += Milliseconds{random() % static_cast<unsigned>(2 * meanGapMs)};
        if (random() % 50 == 0) now += Milliseconds{random() % 3000};
        const int burst = random() % 20 == 0 ? 30 : 1;
        for (int k = 0; k < burst; ++k) {
          account.trySend(now, static_cast<Lane>(random() % kLaneCount));
        }
      }
      CPPUNIT_ASSERT(account.count() > 100);
      CPPUNIT_ASSERT(account.mostIn(kWindow) <= rate.perWindow());
      if (perSecond == 4.0) CPPUNIT_ASSERT(account.mostIn(1000ms) <= 5);
    }
  }

  void slotsKeepTheRateWhereItsInverseIsNoWholeMillisecond() {
    for (const double perSecond : {0.3, 3.0, 4.0, 7.0, 300.0, 640.0, 999.0, 1000.0}) {
      const Rate rate(perSecond);
      Instant slot = t0 + 3ms;
      const int slots = static_cast<int>(perSecond * 1000);
      for (int i = 0; i < slots; ++i) slot = rate.slotAfter(slot);
      const double took = std::chrono::duration<double>(slot - t0).count();
      CPPUNIT_ASSERT_DOUBLES_EQUAL(1000.0, took, 1000.0 * 0.005);
    }
  }

  void aFreezeStopsEveryLaneAndEndsWithOneProbe() {
    Account account(Rate(4.0));
    account.row() = frozen(account.row(), t0, 30s);
    CPPUNIT_ASSERT(!account.trySend(t0 + 29999ms, Lane::kLogin));
    CPPUNIT_ASSERT(account.wait() == 1ms);
    CPPUNIT_ASSERT(!account.trySend(t0 + 1s, Lane::kBackfill));
    CPPUNIT_ASSERT(account.wait() == 29s);
    CPPUNIT_ASSERT(account.trySend(t0 + 30s, Lane::kBackfill));
    CPPUNIT_ASSERT(account.probe());
    CPPUNIT_ASSERT(!account.trySend(t0 + 30s, Lane::kLogin));
    CPPUNIT_ASSERT(account.wait() == kProbePause);
    // Whoever sent it died: the next one is a probe too.
    CPPUNIT_ASSERT(account.trySend(t0 + 30s + kProbePause, Lane::kLogin));
    CPPUNIT_ASSERT(account.probe());
  }

  void aProbeThatSucceedsLetsTheOthersGo() {
    Account account(Rate(4.0));
    account.row() = frozen(account.row(), t0, 5s);
    CPPUNIT_ASSERT(account.trySend(t0 + 6s, Lane::kLogin));
    account.row() = thawed(account.row(), t0 + 6s);
    CPPUNIT_ASSERT(account.trySend(t0 + 6s, Lane::kLogin));
    CPPUNIT_ASSERT(!account.probe());
  }

  void aFreezeAfterTheProbeOutlivesIt() {
    Account account(Rate(4.0));
    account.row() = frozen(account.row(), t0, 5s);
    CPPUNIT_ASSERT(account.trySend(t0 + 5s, Lane::kLogin));
    account.row() = frozen(account.row(), t0 + 5100ms, 10s);
    account.row() = thawed(account.row(), t0 + 5s);
    CPPUNIT_ASSERT(!account.trySend(t0 + 15s, Lane::kLogin));
  }

  void retryAfterIsMovedIntoOneSecondToTwoMinutes() {
    CPPUNIT_ASSERT(frozen({}, t0, 0ms).frozenUntil == t0 + 1s);
    CPPUNIT_ASSERT(frozen({}, t0, 24h).frozenUntil == t0 + 120s);
  }

  void aShorterFreezeDoesNotShortenAStandingOne() {
    const auto row = frozen(frozen({}, t0, 60s), t0 + 1s, 2s);
    CPPUNIT_ASSERT(row.frozenUntil == t0 + 60s);
  }

  void aClockThatWasSetBackCostsTwoSecondsAtMost() {
    Account account(Rate(4.0));
    for (int i = 0; i < 5; ++i) account.trySend(t0 + 24h, Lane::kLogin);
    account.trySend(t0 + 24h + kWindow, Lane::kBackfill);
    account.row().frozenUntil = t0 + 24h;
    Instant now = t0;
    bool sent = account.trySend(now, Lane::kLogin);
    while (!sent && now < t0 + 5s) sent = account.trySend(now += 10ms, Lane::kLogin);
    CPPUNIT_ASSERT(sent);
    CPPUNIT_ASSERT(now - t0 <= kMaxAhead);
    account.row() = thawed(account.row(), now);
    sent = false;
    while (!sent && now < t0 + 10s) sent = account.trySend(now += 10ms, Lane::kBackfill);
    CPPUNIT_ASSERT(sent);
    CPPUNIT_ASSERT(now - t0 <= 2 * kMaxAhead);
  }

  void theRowHoldsNoMoreThanOneWindow() {
    Account account(Rate(1000));
    for (int i = 0; i < 20000; ++i) account.trySend(t0 + Milliseconds{i}, Lane::kLogin);
    CPPUNIT_ASSERT(account.row().sends.size() <= 1250);
    account.trySend(t0 + 60s, Lane::kLogin);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, account.row().sends.size());
  }

  void aRefusalChangesNothing() {
    Account account(Rate(4.0));
    for (int i = 0; i < 5; ++i) account.trySend(t0, Lane::kLogin);
    const Decision refused = decide(account.row(), t0 + 1ms, Lane::kLogin, Rate(4.0));
    CPPUNIT_ASSERT(!refused.allowed);
    CPPUNIT_ASSERT(refused.after.sends == account.row().sends);
    CPPUNIT_ASSERT(refused.after.nextSlot == account.row().nextSlot);
  }

  void sendsAreCountedAfterAndUpTo() {
    store::BudgetRecord row;
    row.sends = {t0, t0 + 250ms, t0 + 250ms, t0 + 1s};
    CPPUNIT_ASSERT_EQUAL(3, sendsBetween(row, t0, t0 + 1s));
    CPPUNIT_ASSERT_EQUAL(2, sendsBetween(row, t0, t0 + 999ms));
    CPPUNIT_ASSERT_EQUAL(1, sendsBetween(row, t0 + 250ms, t0 + 2s));
  }

  // Of 5 a second another client uses 2: with the next slot only 3 of ours lie in one window.
  void yieldingLeavesAnotherClientWhatItUses() {
    store::BudgetRecord row;
    row.sends = {t0 - 250ms, t0, t0 + 250ms, t0 + 500ms};
    row.nextSlot = t0 + 750ms;
    row = yielded(row, t0 + 600ms, 2, 5);
    CPPUNIT_ASSERT(row.nextSlot == t0 + kWindow);
    CPPUNIT_ASSERT(!decide(row, t0 + kWindow - 1ms, Lane::kSite, Rate(4.0)).allowed);
    CPPUNIT_ASSERT(decide(row, t0 + kWindow, Lane::kSite, Rate(4.0)).allowed);
  }

  void yieldingTwiceIsYieldingOnce() {
    store::BudgetRecord row;
    row.sends = {t0, t0 + 250ms, t0 + 500ms};
    const auto once = yielded(row, t0 + 600ms, 3, 5);
    auto often = once;
    for (int i = 0; i < 100; ++i) often = yielded(often, t0 + 600ms + i * 1ms, 3, 5);
    CPPUNIT_ASSERT(often.nextSlot == once.nextSlot);
    CPPUNIT_ASSERT(once.nextSlot == t0 + 250ms + kWindow);
    CPPUNIT_ASSERT(yielded(once, t0 + 800ms, 2, 5).nextSlot ==
                   once.nextSlot);  // less is no way back
  }

  void yieldingChangesNothingWhereThereIsRoom() {
    store::BudgetRecord row;
    row.sends = {t0, t0 + 250ms};
    row.nextSlot = t0 + 700ms;
    CPPUNIT_ASSERT(yielded(row, t0 + 300ms, 2, 5).nextSlot == t0 + 700ms);
    row.nextSlot = t0 + 500ms;
    CPPUNIT_ASSERT(yielded(row, t0 + 300ms, 1, 5).nextSlot == t0 + 525ms);  // 4 in 1.1 s
    CPPUNIT_ASSERT(yielded(row, t0 + 300ms, 1, 1000).nextSlot == t0 + 500ms);
    CPPUNIT_ASSERT(yielded(row, t0 + 5s, 4, 5).nextSlot < t0 + 5s);
    CPPUNIT_ASSERT(yielded({}, t0, 5, 5).nextSlot == Instant{});
  }

  void yieldingNeverStarvesNorHoldsBackALogin() {
    Account account(Rate(4.0));
    int logins = 0;
    for (Instant now = t0; now < t0 + 60s; now += 10ms) {
      if (account.trySend(now, Lane::kBackfill)) {
        account.row() = yielded(account.row(), now, 1000000, 5);  // more than there is
        CPPUNIT_ASSERT(account.row().nextSlot <= now + kMaxAhead);
      }
    }
    CPPUNIT_ASSERT(account.count() >= 54);  // one each 1.1 s
    CPPUNIT_ASSERT(account.count() <= 56);
    for (int i = 0; i < 4; ++i) logins += account.trySend(t0 + 60s, Lane::kLogin) ? 1 : 0;
    CPPUNIT_ASSERT_EQUAL(4, logins);
    // Sends from before the clock was set back.
    account.row().sends = {t0 + 24h};
    CPPUNIT_ASSERT(yielded(account.row(), t0, 5, 5).nextSlot <= t0 + 60s + kMaxAhead);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GcraTest);

}  // namespace
}  // namespace mbr::activecampaign
