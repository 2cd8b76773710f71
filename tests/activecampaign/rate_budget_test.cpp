#include "activecampaign/rate_budget.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <random>
#include <thread>

#include "ops/metrics.h"
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
  int reads() const { return reads_; }

  void submit(Work work, DoneFn done) override { inner_.submit(std::move(work), std::move(done)); }
  Outcome write(Work work) override {
    Outcome outcome = inner_.write(std::move(work));
    if (outcome) ++commits_;
    return outcome;
  }
  Outcome read(const ReadWork& work) override {
    ++reads_;
    return inner_.read(work);
  }
  void subscribe(Listener listener) override { inner_.subscribe(std::move(listener)); }

 private:
  store::Store& inner_;
  std::atomic<int> commits_{0};
  std::atomic<int> reads_{0};
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
  CPPUNIT_TEST(ourOwnUsageCostsTheStoreNothing);
  CPPUNIT_TEST(theLowerLanesMakeRoomForAnotherClient);
  CPPUNIT_TEST(inAFullSecondOneUnexplainedRequestCounts);
  CPPUNIT_TEST(whatAnotherProcessOfOursSendsIsNotForeign);
  CPPUNIT_TEST(answersThatComeOutOfOrderAreNotForeign);
  CPPUNIT_TEST(anOldAnswerAndOddNumbersSayNothing);
  CPPUNIT_TEST(anotherClientsRequestsAreCountedOnce);
  CPPUNIT_TEST(aStoreThatIsDownIsToldOf);
  CPPUNIT_TEST(besideAnotherClientNothingIsRefusedForLong);
  CPPUNIT_TEST(ourOwnRequestsAreNeverTakenForForeign);
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
    const RightOfWay::Hold login(&store.loginsFirst());  // nothing here gives way
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

  static double foreignCount() {
    return ops::counter("membergate_activecampaign_foreign_requests_total", "").value();
  }

  void ourOwnUsageCostsTheStoreNothing() {
    CommitCounter counted(store);
    RateBudget budget(counted, clock, Rate(4.0));
    for (int i = 1; i <= 40; ++i) {
      const Permit permit = budget.spend(Lane::kSite).value();
      CPPUNIT_ASSERT_EQUAL(std::min(i - 1, 4), permit.before);
      const int used = permit.before + 2;  // one more may be of ours while something is left
      CPPUNIT_ASSERT(budget.noteUsage(permit, 10, 10 - used));
      clock.advance(250ms);
    }
    CPPUNIT_ASSERT_EQUAL(0, counted.reads());
    CPPUNIT_ASSERT_EQUAL(40, counted.commits());
  }

  void theLowerLanesMakeRoomForAnotherClient() {
    RateBudget budget(store, clock, Rate(4.0));
    CPPUNIT_ASSERT(budget.spend(Lane::kSite));
    clock.advance(250ms);
    const Permit permit = budget.spend(Lane::kSite).value();
    CPPUNIT_ASSERT(budget.noteUsage(permit, 5, 0));  // 5 used, 2 by us
    const auto refused = budget.spend(Lane::kPassword);
    CPPUNIT_ASSERT(!refused);
    CPPUNIT_ASSERT(refused.error().retryAfter == kWindow - 250ms);
    CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
    for (int i = 0; i < 50; ++i) CPPUNIT_ASSERT(budget.noteUsage(permit, 5, 0));
    CPPUNIT_ASSERT(row().nextSlot <= clock.now() + kWindow);
    clock.advance(kWindow);
    CPPUNIT_ASSERT(budget.spend(Lane::kBackfill));
  }

  void inAFullSecondOneUnexplainedRequestCounts() {
    RateBudget budget(store, clock, Rate(4.0));
    for (int i = 0; i < 3; ++i) {
      CPPUNIT_ASSERT(budget.spend(Lane::kSite));
      clock.advance(250ms);
    }
    const Permit permit = budget.spend(Lane::kSite).value();
    CPPUNIT_ASSERT_EQUAL(3, permit.before);
    const Instant slot = row().nextSlot;
    CPPUNIT_ASSERT(budget.noteUsage(permit, 6, 1));
    CPPUNIT_ASSERT(row().nextSlot == slot);
    CPPUNIT_ASSERT(budget.noteUsage(permit, 5, 0));
    CPPUNIT_ASSERT(row().nextSlot > slot);
    CPPUNIT_ASSERT(row().nextSlot <= permit.sentAt + 350ms);
  }

  void whatAnotherProcessOfOursSendsIsNotForeign() {
    RateBudget one(store, clock, Rate(4.0));
    RateBudget other(store, clock, Rate(4.0));
    for (int i = 0; i < 4; ++i) CPPUNIT_ASSERT(other.spend(Lane::kLogin));
    clock.advance(10ms);
    const Permit permit = one.spend(Lane::kLogin).value();
    CPPUNIT_ASSERT_EQUAL(4, permit.before);
    const Instant slot = row().nextSlot;
    CPPUNIT_ASSERT(one.noteUsage(permit, 5, 0));
    CPPUNIT_ASSERT(row().nextSlot == slot);
  }

  // The first of five is sent first and answered last.
  void answersThatComeOutOfOrderAreNotForeign() {
    CommitCounter counted(store);
    RateBudget budget(counted, clock, Rate(4.0));
    const double before = foreignCount();
    const Permit first = budget.spend(Lane::kLogin).value();
    for (int i = 0; i < 4; ++i) {
      clock.advance(5ms);
      CPPUNIT_ASSERT(budget.spend(Lane::kLogin));
    }
    CPPUNIT_ASSERT_EQUAL(0, first.before);
    clock.advance(300ms);
    CPPUNIT_ASSERT(budget.noteUsage(first, 5, 0));
    CPPUNIT_ASSERT_EQUAL(1, counted.reads());
    CPPUNIT_ASSERT_EQUAL(5, counted.commits());
    CPPUNIT_ASSERT_EQUAL(before, foreignCount());
  }

  void anOldAnswerAndOddNumbersSayNothing() {
    CommitCounter counted(store);
    RateBudget budget(counted, clock, Rate(4.0));
    const Permit permit = budget.spend(Lane::kSite).value();
    for (const auto& [limit, remaining] :
         {std::pair{5, -1}, {5, 6}, {0, 0}, {-5, -9}, {5, 5}, {5, 4}}) {
      CPPUNIT_ASSERT(budget.noteUsage(permit, limit, remaining));
    }
    clock.advance(kWindow + 1ms);
    CPPUNIT_ASSERT(budget.noteUsage(permit, 5, 0));
    clock.advance(-1h);
    CPPUNIT_ASSERT(budget.noteUsage(permit, 5, 0));
    CPPUNIT_ASSERT_EQUAL(0, counted.reads());
  }

  void anotherClientsRequestsAreCountedOnce() {
    RateBudget budget(store, clock, Rate(4.0));
    const double before = foreignCount();
    const Permit first = budget.spend(Lane::kLogin).value();
    CPPUNIT_ASSERT(budget.noteUsage(first, 5, 2));
    CPPUNIT_ASSERT(budget.noteUsage(first, 5, 2));
    CPPUNIT_ASSERT_EQUAL(before + 2, foreignCount());
    clock.advance(400ms);
    const Permit second = budget.spend(Lane::kLogin).value();
    CPPUNIT_ASSERT(budget.noteUsage(second, 5, 0));
    CPPUNIT_ASSERT_EQUAL(before + 3, foreignCount());
    clock.advance(1200ms);
    const Permit third = budget.spend(Lane::kLogin).value();
    CPPUNIT_ASSERT(budget.noteUsage(third, 5, 2));
    CPPUNIT_ASSERT_EQUAL(before + 5, foreignCount());
  }

  void aStoreThatIsDownIsToldOf() {
    test::FailingStore failing(store);
    RateBudget budget(failing, clock, Rate(4.0));
    const Permit permit = budget.spend(Lane::kSite).value();
    const Instant slot = row().nextSlot;
    failing.failAt(test::FailingStore::Step::kBegin);
    CPPUNIT_ASSERT(!budget.noteUsage(permit, 5, 0));
    CPPUNIT_ASSERT(row().nextSlot == slot);
  }

  // An account that takes 5 in any second, another client that sends 2 in each, and a queue of ours
  // that never ends; answers take 200 ms.
  void besideAnotherClientNothingIsRefusedForLong() {
    RateBudget budget(store, clock, Rate(4.0));
    std::deque<Instant> arrived;
    struct Flight {
      Instant due;
      Permit permit;
      int remaining;
    };
    std::deque<Flight> flights;
    int sent = 0;
    int refused = 0;
    int othersRefused = 0;
    const Instant start = clock.now();
    const auto arrives = [&](Instant now) {
      while (!arrived.empty() && arrived.front() <= now - 1s) arrived.pop_front();
      if (arrived.size() >= 5) return false;
      arrived.push_back(now);
      return true;
    };
    for (int step = 0; step < 3000; ++step, clock.advance(10ms)) {
      const Instant now = clock.now();
      const bool late = now - start > 10s;
      if (step % 50 == 7 && !arrives(now) && late) ++othersRefused;
      while (!flights.empty() && flights.front().due <= now) {
        const Flight flight = flights.front();
        flights.pop_front();
        if (flight.remaining < 0) {
          CPPUNIT_ASSERT(budget.freeze(flight.permit, 1s));
          continue;
        }
        if (flight.permit.probe) CPPUNIT_ASSERT(budget.probeAnswered(flight.permit));
        CPPUNIT_ASSERT(budget.noteUsage(flight.permit, 5, flight.remaining));
      }
      const auto permit = budget.spend(Lane::kBackfill);
      if (!permit) continue;
      const bool taken = arrives(now);
      flights.push_back({now + 200ms, *permit, taken ? 5 - static_cast<int>(arrived.size()) : -1});
      if (late) ++(taken ? sent : refused);
    }
    const std::string counts = std::to_string(sent) + " sent, " + std::to_string(refused) +
                               " refused, " + std::to_string(othersRefused) + " of the other";
    CPPUNIT_ASSERT_MESSAGE(counts, refused <= 2);
    CPPUNIT_ASSERT_MESSAGE(counts, othersRefused <= 2);
    CPPUNIT_ASSERT_MESSAGE(counts, sent >= 40);  // in 20 s
  }

  // A queue that never ends and bursts of logins, from two processes, on ways of different length:
  // requests overtake each other, and so do answers.
  void ourOwnRequestsAreNeverTakenForForeign() {
    std::mt19937 random(11);
    const auto between = [&](int low, int high) {
      return Milliseconds{low + static_cast<int>(random() % static_cast<unsigned>(high - low))};
    };
    RateBudget one(store, clock, Rate(4.0));
    RateBudget other(store, clock, Rate(4.0));
    const double before = foreignCount();
    struct Flight {
      RateBudget* budget;
      Permit permit;
      int used;
    };
    std::multimap<Instant, Flight> going;
    std::multimap<Instant, Flight> coming;
    std::deque<Instant> arrived;
    int answers = 0;
    for (int step = 0; step < 6000; ++step, clock.advance(5ms)) {
      const Instant now = clock.now();
      for (; !going.empty() && going.begin()->first <= now; going.erase(going.begin())) {
        const Instant at = going.begin()->first;
        arrived.push_back(at);
        while (arrived.front() <= at - 1s) arrived.pop_front();
        Flight flight = going.begin()->second;
        flight.used = static_cast<int>(arrived.size());
        CPPUNIT_ASSERT(flight.used <= 5);
        coming.emplace(at + between(5, 900), flight);
      }
      for (; !coming.empty() && coming.begin()->first <= now; coming.erase(coming.begin())) {
        const Flight& flight = coming.begin()->second;
        CPPUNIT_ASSERT(flight.budget->noteUsage(flight.permit, 5, 5 - flight.used));
        ++answers;
      }
      RateBudget& budget = random() % 2 == 0 ? one : other;
      const bool isBusy = step / 600 % 2 == 0;  // three seconds of both, three of logins alone
      const auto ask = [&](Lane lane) {
        const auto permit = budget.spend(lane);
        if (permit) going.emplace(now + between(5, 100), Flight{&budget, *permit, 0});
      };
      const int logins = random() % 100 == 0 ? 5 : 0;
      for (int i = 0; i < logins; ++i) ask(Lane::kLogin);
      if (isBusy) ask(Lane::kBackfill);
    }
    CPPUNIT_ASSERT(answers > 100);
    CPPUNIT_ASSERT_EQUAL(before, foreignCount());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RateBudgetTest);

}  // namespace
}  // namespace mbr::activecampaign
