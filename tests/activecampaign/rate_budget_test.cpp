#include "activecampaign/rate_budget.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "support/failing_store.h"
#include "support/test_store.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;

// Counts what the store committed.
class CommitCounter final : public store::Store {
 public:
  explicit CommitCounter(store::Store& inner) : inner_(inner) {}
  int commits() const { return commits_; }

  void submit(Work work, DoneFn done) override { inner_.submit(std::move(work), std::move(done)); }
  Outcome write(Work work) override {
    Outcome outcome = inner_.write(std::move(work));
    if (outcome) ++commits_;
    return outcome;
  }
  Outcome read(const ReadWork& work) override { return inner_.read(work); }
  void subscribe(Listener listener) override { inner_.subscribe(std::move(listener)); }

 private:
  store::Store& inner_;
  std::atomic<int> commits_{0};
};

class RateBudgetTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RateBudgetTest);
  CPPUNIT_TEST(aSpentBudgetSaysHowLongToWait);
  CPPUNIT_TEST(twoProcessesSpendFromOneRow);
  CPPUNIT_TEST(aRefusalIsNotCommitted);
  CPPUNIT_TEST(aStoreThatIsDownIsNoBudget);
  CPPUNIT_TEST(aClockThatWasSetBackIsForgottenByTheNextTry);
  CPPUNIT_TEST(ageingMovesAWaiterUpOneLaneInTenSeconds);
  CPPUNIT_TEST(lowerLanesLetALoginPass);
  CPPUNIT_TEST(manyWaitersAreServedAtTheRateAndWithinTheWindow);
  CPPUNIT_TEST(waitingEndsAtOnceIfTheDeadlineCannotBeMet);
  CPPUNIT_TEST(raisingTheStopFlagEndsTheWait);
  CPPUNIT_TEST(aFreezeDelaysAllAndTheProbesAnswerFreesThem);
  CPPUNIT_TEST(freezesWithoutADelayGetLongerWithEachFailedProbe);
  CPPUNIT_TEST_SUITE_END();

  SystemClock realClock;
  test::TestStore store;
  test::FakeClock& clock = store.clock();
  StopFlag stop;

  store::BudgetRecord row() {
    store::BudgetRecord row;
    store.read([&](store::Reader& reader) { row = reader.loadBudget(); });
    return row;
  }

  void aSpentBudgetSaysHowLongToWait() {
    RateBudget budget(store, clock, Rate(4.0));
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
    const auto refused = budget.spend(Lane::kLogin);
    CPPUNIT_ASSERT(!refused);
    CPPUNIT_ASSERT(refused.error().code == Code::kBusy);
    CPPUNIT_ASSERT(refused.error().retryAfter == kWindow);
    clock.advance(kWindow);
    const auto permit = budget.spend(Lane::kLogin);
    CPPUNIT_ASSERT(permit);
    CPPUNIT_ASSERT(permit->sentAt == clock.now());
  }

  void twoProcessesSpendFromOneRow() {
    RateBudget one(store, clock, Rate(4.0));
    RateBudget other(store, clock, Rate(4.0));
    int granted = 0;
    for (int i = 0; i < 10; ++i) {
      granted += one.spend(Lane::kLogin).ok() ? 1 : 0;
      granted += other.spend(Lane::kLogin).ok() ? 1 : 0;
    }
    CPPUNIT_ASSERT_EQUAL(5, granted);
    CPPUNIT_ASSERT(one.freeze(Permit{}, 30s));
    clock.advance(29s);
    CPPUNIT_ASSERT(!other.spend(Lane::kLogin));
  }

  void aRefusalIsNotCommitted() {
    CommitCounter counted(store);
    RateBudget budget(counted, clock, Rate(4.0));
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
    CPPUNIT_ASSERT_EQUAL(5, counted.commits());
    CPPUNIT_ASSERT(!budget.spend(Lane::kLogin));
    CPPUNIT_ASSERT_EQUAL(5, counted.commits());
  }

  void aStoreThatIsDownIsNoBudget() {
    test::FailingStore failing(store);
    RateBudget budget(failing, clock, Rate(4.0));
    failing.failAt(test::FailingStore::Step::kBegin);
    CPPUNIT_ASSERT(budget.spend(Lane::kLogin).error().code == Code::kUnavailable);
    failing.failAt(test::FailingStore::Step::kWork);
    const auto permit = budget.acquire(Lane::kLogin, clock.steady() + 1s, stop);
    CPPUNIT_ASSERT(permit.error().code == Code::kUnavailable);
    failing.failAt(test::FailingStore::Step::kSubmit);
    const auto busy = budget.acquire(Lane::kLogin, clock.steady() + 1s, stop);
    CPPUNIT_ASSERT(busy.error().code == Code::kBusy);
    CPPUNIT_ASSERT(row().sends.empty());
    CPPUNIT_ASSERT(budget.acquire(Lane::kLogin, clock.steady() + 1s, stop));
  }

  void aClockThatWasSetBackIsForgottenByTheNextTry() {
    RateBudget budget(store, clock, Rate(4.0));
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
    clock.advance(-24h);
    CPPUNIT_ASSERT(!budget.spend(Lane::kLogin));
    clock.advance(kWindow);
    CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
  }

  void ageingMovesAWaiterUpOneLaneInTenSeconds() {
    const SteadyInstant start{1000s};
    const Waiting old{Lane::kBackfill, start, 1};
    CPPUNIT_ASSERT_EQUAL(5, effectiveLane(old, start + 9999ms));
    CPPUNIT_ASSERT_EQUAL(4, effectiveLane(old, start + 10s));
    CPPUNIT_ASSERT_EQUAL(0, effectiveLane(old, start + 500s));
    const Waiting fresh{Lane::kReconcile, start + 10s, 2};
    CPPUNIT_ASSERT(goesBefore(old, fresh, start + 10s));
    CPPUNIT_ASSERT(!goesBefore(old, fresh, start + 9999ms));
    const Waiting login{Lane::kLogin, start + 10s, 3};
    CPPUNIT_ASSERT(goesBefore(login, old, start + 40s));
    CPPUNIT_ASSERT(goesBefore(old, login, start + 50s));
  }

  // At 10/s a queue of twelve takes more than a second; a login that comes last is through first.
  void lowerLanesLetALoginPass() {
    RateBudget budget(store, realClock, Rate(10.0));
    std::atomic<int> served{0};
    std::atomic<int> started{0};
    std::vector<std::thread> queue;
    for (int i = 0; i < 12; ++i) {
      queue.emplace_back([&] {
        ++started;
        if (budget.acquire(Lane::kBackfill, realClock.steady() + 30s, stop)) ++served;
      });
    }
    while (started < 12) std::this_thread::yield();
    const auto permit = budget.acquire(Lane::kLogin, realClock.steady() + 30s, stop);
    const int servedBefore = served;
    for (auto& thread : queue) thread.join();
    CPPUNIT_ASSERT(permit);
    CPPUNIT_ASSERT_EQUAL(12, served.load());
    CPPUNIT_ASSERT(servedBefore < 11);
  }

  void manyWaitersAreServedAtTheRateAndWithinTheWindow() {
    RateBudget one(store, realClock, Rate(200.0));
    RateBudget other(store, realClock, Rate(200.0));
    std::mutex mutex;
    std::vector<Instant> sends;
    std::vector<std::thread> workers;
    const auto start = realClock.steady();
    for (int worker = 0; worker < 8; ++worker) {
      workers.emplace_back([&, worker] {
        RateBudget& budget = worker % 2 == 0 ? one : other;
        const Lane lane = worker == 0 ? Lane::kLogin : Lane::kPassword;
        for (int i = 0; i < 50; ++i) {
          const auto permit = budget.acquire(lane, realClock.steady() + 60s, stop);
          const std::lock_guard lock(mutex);
          if (permit) sends.push_back(permit->sentAt);
        }
      });
    }
    for (auto& thread : workers) thread.join();
    const auto took = realClock.steady() - start;
    CPPUNIT_ASSERT_EQUAL(std::size_t{400}, sends.size());
    std::sort(sends.begin(), sends.end());
    for (std::size_t i = 250; i < sends.size(); ++i) {
      CPPUNIT_ASSERT(sends[i] - sends[i - 250] >= kWindow);
    }
    CPPUNIT_ASSERT(took >= 1500ms);  // 350 paced ones at 200/s, less the arrears
  }

  void waitingEndsAtOnceIfTheDeadlineCannotBeMet() {
    RateBudget budget(store, clock, Rate(0.1));
    CPPUNIT_ASSERT(budget.acquire(Lane::kSite, clock.steady() + 1s, stop));
    CPPUNIT_ASSERT(!budget.spend(Lane::kSite));
    clock.advance(kWindow);
    CPPUNIT_ASSERT(budget.acquire(Lane::kSite, clock.steady() + 1s, stop));
    const auto refused = budget.acquire(Lane::kSite, clock.steady() + 5s, stop);
    CPPUNIT_ASSERT(!refused);
    CPPUNIT_ASSERT(refused.error().code == Code::kBusy);
    CPPUNIT_ASSERT(refused.error().retryAfter > 5s);
  }

  void raisingTheStopFlagEndsTheWait() {
    RateBudget budget(store, realClock, Rate(0.1));
    while (budget.spend(Lane::kSite)) {
    }
    std::thread stopper([this] { stop.raise(); });
    const auto permit = budget.acquire(Lane::kSite, realClock.steady() + 600s, stop);
    stopper.join();
    CPPUNIT_ASSERT(permit.error().code == Code::kBusy);
  }

  void aFreezeDelaysAllAndTheProbesAnswerFreesThem() {
    RateBudget budget(store, clock, Rate(4.0));
    CPPUNIT_ASSERT(budget.freeze(Permit{}, 3s));
    CPPUNIT_ASSERT(!budget.spend(Lane::kLogin));
    clock.advance(3s);
    const auto probe = budget.spend(Lane::kPassword);
    CPPUNIT_ASSERT(probe);
    CPPUNIT_ASSERT(probe->probe);
    CPPUNIT_ASSERT(!budget.spend(Lane::kLogin));
    CPPUNIT_ASSERT(budget.probeAnswered(*probe));
    const auto next = budget.spend(Lane::kLogin);
    CPPUNIT_ASSERT(next);
    CPPUNIT_ASSERT(!next->probe);
  }

  void freezesWithoutADelayGetLongerWithEachFailedProbe() {
    RateBudget budget(store, clock, Rate(4.0));
    Permit permit = *budget.spend(Lane::kSite);
    for (const auto delay : {2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
      CPPUNIT_ASSERT(budget.freeze(permit, std::nullopt));
      CPPUNIT_ASSERT(budget.freeze(Permit{}, std::nullopt));  // a second request of the same burst
      CPPUNIT_ASSERT(row().frozenUntil >= clock.now() + delay);
      clock.advance(row().frozenUntil - clock.now());
      permit = *budget.spend(Lane::kSite);
      CPPUNIT_ASSERT(permit.probe);
    }
    CPPUNIT_ASSERT(budget.probeAnswered(permit));
    clock.advance(10s);
    permit = *budget.spend(Lane::kSite);
    CPPUNIT_ASSERT(budget.freeze(permit, std::nullopt));
    CPPUNIT_ASSERT(row().frozenUntil == clock.now() + 2s);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RateBudgetTest);

}  // namespace
}  // namespace mbr::activecampaign
