// The share of the account's API allowance that this service may use.
//
// ActiveCampaign counts requests per account, not per process, so the budget's one row lives in
// the store and every process spends from it. The rules are in gcra.h; who goes first among those
// who wait in this process is settled here: login > site > password > refresh > reconcile >
// backfill, in order of arrival within a lane, and who waited 10 s counts as one lane higher.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "activecampaign/gcra.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/stop_flag.h"
#include "domain/job.h"
#include "store/store.h"

namespace mbr::activecampaign {

// The right to send one request now. Not using it wastes it and does no other harm.
struct Permit {
  Instant sentAt{};
  bool probe = false;  // the first one after a freeze: say how it ended by probeAnswered()
  int before = 0;      // what all processes sent in the kWindow before it
};

// One who waits, as the order sees him.
struct Waiting {
  Lane lane = Lane::kBackfill;
  SteadyInstant since{};
  std::uint64_t number = 0;  // of arrival
};

// The lane after ageing: one higher for each full 10 s waited. Pure.
int effectiveLane(const Waiting& waiting, SteadyInstant now);

// True if `a` goes before `b`. Pure; a strict order for one `now`.
bool goesBefore(const Waiting& a, const Waiting& b, SteadyInstant now);

// Thread-safe. Every permit is a durable commit of the store, so none of this is for fast workers.
class RateBudget {
 public:
  // `store` and `clock` must outlive the budget.
  RateBudget(store::Store& store, const Clock& clock, Rate rate);

  // Takes one request if that is possible right now; never waits for a slot.
  // Errors: kBusy (`retryAfter` says how long until one may be free), kUnavailable (store).
  // Nothing was spent then.
  Result<Permit> spend(Lane lane);

  // Waits for its turn until `deadline`, and not longer than it can make sense: if it is known
  // that no request is free before the deadline the answer is kBusy at once.
  // Errors: kBusy (`retryAfter`), kUnavailable (store, or `stop` was raised).
  Result<Permit> acquire(Lane lane, SteadyInstant deadline, const StopFlag& stop);

  // The request of `permit` was answered by a 429 (or a 503 with Retry-After): freezes all lanes of
  // all processes. Without a delay it is 2 s, doubled with each probe that fails up to 60 s.
  Outcome freeze(const Permit& permit, std::optional<Milliseconds> retryAfter);

  // The request of a permit with `probe` ended, and not by a 429: the others may go.
  Outcome probeAnswered(const Permit& permit);

  // The answer to the request of `permit` says that the account takes `limit` requests a second
  // and had `remaining` of them left. What was used and not sent by any process of ours is another
  // client's, and the lanes below login make room for it (see yielded()). A single such request
  // counts only where nothing was left, for it may be one of ours that was slow on its way; an
  // answer that took longer than kWindow says nothing. Reads the store only on a suspicion, and
  // writes it only if a slot moves. Errors: kUnavailable (store).
  Outcome noteUsage(const Permit& permit, int limit, int remaining);

 private:
  struct Waiter {
    Waiting waiting;
    SteadyInstant deadline{};
    std::optional<Permit> permit;
    std::optional<Error> error;
    SteadyInstant notBefore{};  // no request is free for it before
    bool inHand = false;        // the leader is trying for it
  };
  struct Try {
    Waiter* waiter = nullptr;
    Decision decision;
    Permit permit;
  };

  // One waiter at a time, the leader, asks the store on behalf of all: what they may have now is
  // taken in their order and in one commit.
  void lead(std::unique_lock<std::mutex>& lock);
  Outcome spendFor(std::vector<Try>& tries, SteadyInstant& askedAt);
  void settle(const std::vector<Try>& tries, const Outcome& committed, SteadyInstant askedAt);
  std::optional<Result<Permit>> ended(const Waiter& waiter, const StopFlag& stop);
  void awaitRelease(std::unique_lock<std::mutex>& lock);
  Outcome change(const std::function<store::BudgetRecord(store::BudgetRecord)>& edit);
  void countForeign(Instant sentAt, int foreign);

  store::Store& store_;
  const Clock& clock_;
  const Rate rate_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiter*> waiters_;  // guarded by mutex_
  std::uint64_t arrivals_ = 0;    // guarded by mutex_
  bool leading_ = false;          // guarded by mutex_
  SteadyInstant nextTry_{};       // guarded by mutex_
  int freezesInARow_ = 0;         // guarded by mutex_
  // When permits of the last window were handed out. The row holds when they were taken, and the
  // commit in between may take long on a busy disk: then several would go out at once.
  std::deque<SteadyInstant> released_;  // guarded by mutex_
  Instant foreignSince_{};  // guarded by mutex_; the second in which foreignSeen_ were seen
  int foreignSeen_ = 0;     // guarded by mutex_
};

}  // namespace mbr::activecampaign
