// The arithmetic of the account's API budget. Pure: no clock, no store, no threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "domain/job.h"
#include "store/records.h"

namespace mbr::activecampaign {

// Requests per second, 0.1 to 1000; values outside are moved to the nearer end.
class Rate {
 public:
  explicit Rate(double perSecond = 4.0);

  // The most sends of all lanes together in any kWindow: ceil(1.25 x rate).
  std::size_t perWindow() const;

  // The slot that follows `slot` in the evenly spaced lanes. Slots are whole milliseconds and keep
  // the rate exactly on average, also where 1/rate is no whole number of them.
  Instant slotAfter(Instant slot) const;

  // 1/rate, rounded up.
  Milliseconds interval() const;

 private:
  std::int64_t milliPerSecond_;  // requests per 1000 s
};

// ActiveCampaign counts by the second; the tenth above it covers the way there.
inline constexpr Milliseconds kWindow{1100};
// An instant further ahead than this was written before the clock was set back.
inline constexpr Milliseconds kMaxAhead{2000};
inline constexpr Milliseconds kShortestFreeze{1000};
inline constexpr Milliseconds kLongestFreeze{120000};
// After a freeze one probe goes first; the others wait this long for its answer.
inline constexpr Milliseconds kProbePause{1000};

struct Decision {
  bool allowed = false;
  bool probe = false;    // allowed, as the first request after a freeze
  Milliseconds wait{0};  // if not allowed: ask again after that, > 0
  // The row held instants from before the clock was set back: store `after` also if not allowed,
  // since they count as now only once.
  bool corrected = false;
  store::BudgetRecord after;  // the row with the request in it, if it is allowed
};

// May a request of `lane` be sent at `now`?
//
// Two rules on one row. All lanes: at most rate.perWindow() sends in any kWindow. Every lane below
// login also waits for its slot, and has at most one slot of arrears (or 20 ms, where a slot is
// shorter than the commit that takes it). What the slots leave of the window is the reserve of the
// logins.
Decision decide(const store::BudgetRecord& row, Instant now, Lane lane, Rate rate);

// The row after a 429: nobody sends for `retryAfter` (moved into 1..120 s), then one probe.
store::BudgetRecord frozen(store::BudgetRecord row, Instant now, Milliseconds retryAfter);

// The row once the probe sent at `probeSentAt` was answered by anything but a 429. A freeze that
// came after the probe stays.
store::BudgetRecord thawed(store::BudgetRecord row, Instant probeSentAt);

// How many of the row's sends lie after `from` and not after `to`.
int sendsBetween(const store::BudgetRecord& row, Instant from, Instant to);

// The row once it is known that other clients of the account sent `foreign` of the `limit` requests
// that it takes in a second: the next slot is where the rest of them, but at least one, lie evenly
// in a kWindow, and no more of ours fall into any. So the lanes below login make room; logins go
// on. The slot follows from the sends alone: told twice, the row is the same. At most kMaxAhead
// ahead.
store::BudgetRecord yielded(store::BudgetRecord row, Instant now, int foreign, int limit);

}  // namespace mbr::activecampaign
