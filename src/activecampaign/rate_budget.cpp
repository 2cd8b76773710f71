#include "activecampaign/rate_budget.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "ops/metrics.h"

namespace mbr::activecampaign {
namespace {

constexpr std::chrono::seconds kAgeing{10};
// How long a waiter sleeps at most before it looks at its stop flag.
constexpr Milliseconds kGlance{100};
// Another process may lift a freeze earlier than its row says.
constexpr Milliseconds kLongestNap{2000};
constexpr Milliseconds kFirstFreeze{2000};
constexpr Milliseconds kLongestOwnFreeze{60000};
constexpr Milliseconds kSecond{1000};
constexpr Milliseconds kTick{1};  // of an Instant

Error busy(Milliseconds wait) {
  return Error{Code::kBusy, "the API budget is spent", std::max(wait, Milliseconds{1})};
}

ops::Histogram& waitHistogram(Lane lane) {
  static const std::vector<ops::Histogram*> byLane = [] {
    std::vector<ops::Histogram*> all;
    for (int i = 0; i < kLaneCount; ++i) {
      all.push_back(&ops::durationHistogram("membergate_ac_budget_wait_seconds",
                                            "Time from asking for a request to being granted it.",
                                            {{"lane", std::string(toString(Lane(i)))}}));
    }
    return all;
  }();
  return *byLane[static_cast<std::size_t>(lane)];
}

Milliseconds roundedUp(SteadyInstant::duration time) {
  return std::chrono::ceil<Milliseconds>(time);
}

}  // namespace

int effectiveLane(const Waiting& waiting, SteadyInstant now) {
  const auto steps = std::max<std::int64_t>(0, (now - waiting.since) / kAgeing);
  const int lane = static_cast<int>(waiting.lane);
  return steps >= lane ? 0 : lane - static_cast<int>(steps);
}

bool goesBefore(const Waiting& a, const Waiting& b, SteadyInstant now) {
  return std::make_tuple(effectiveLane(a, now), a.number) <
         std::make_tuple(effectiveLane(b, now), b.number);
}

RateBudget::RateBudget(store::Store& store, const Clock& clock, Rate rate)
    : store_(store), clock_(clock), rate_(rate) {}

Result<Permit> RateBudget::spend(Lane lane) {
  Waiter self;
  self.waiting.lane = lane;
  std::vector<Try> tries(1);
  tries.front().waiter = &self;
  SteadyInstant askedAt{};
  const Outcome committed = spendFor(tries, askedAt);
  if (!committed) return committed.error();
  const Decision& decision = tries.front().decision;
  if (!decision.allowed) return busy(decision.wait);
  return tries.front().permit;
}

Result<Permit> RateBudget::acquire(Lane lane, SteadyInstant deadline, const StopFlag& stop) {
  const SteadyInstant start = clock_.steady();
  Waiter self;
  self.deadline = deadline;
  std::unique_lock lock(mutex_);
  self.waiting = {lane, start, ++arrivals_};
  // A login may use what the slots hold back from those who wait already.
  if (waiters_.empty() || lane == Lane::kLogin) nextTry_ = start;
  waiters_.push_back(&self);
  std::optional<Result<Permit>> end;
  while (!(end = ended(self, stop))) {
    const SteadyInstant now = clock_.steady();
    if (!leading_ && now >= nextTry_) {
      lead(lock);
      continue;
    }
    SteadyInstant::duration nap = kGlance;
    if (!leading_) nap = std::min(nap, nextTry_ - now);
    if (!self.inHand) nap = std::min(nap, deadline - now);
    changed_.wait_for(lock, nap);
  }
  waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &self));
  if (end->ok()) awaitRelease(lock);
  lock.unlock();
  if (end->ok()) {
    waitHistogram(lane).observe(std::chrono::duration<double>(clock_.steady() - start).count());
  }
  return *end;
}

void RateBudget::awaitRelease(std::unique_lock<std::mutex>& lock) {
  while (true) {
    const SteadyInstant now = clock_.steady();
    while (!released_.empty() && now - released_.front() >= kWindow) released_.pop_front();
    if (released_.size() < rate_.perWindow()) {
      released_.push_back(now);
      return;
    }
    changed_.wait_for(lock, kWindow - (now - released_.front()));
  }
}

std::optional<Result<Permit>> RateBudget::ended(const Waiter& waiter, const StopFlag& stop) {
  if (waiter.inHand) return std::nullopt;
  if (waiter.permit) return Result<Permit>(*waiter.permit);
  if (waiter.error) return Result<Permit>(*waiter.error);
  if (stop.raised()) return Result<Permit>(Error{Code::kBusy, "stopping", Milliseconds{1}});
  const SteadyInstant now = clock_.steady();
  if (now < waiter.deadline && waiter.notBefore < waiter.deadline) return std::nullopt;
  return Result<Permit>(busy(std::max(roundedUp(waiter.notBefore - now), Milliseconds{0})));
}

void RateBudget::lead(std::unique_lock<std::mutex>& lock) {
  leading_ = true;
  const SteadyInstant now = clock_.steady();
  std::vector<Waiter*> order = waiters_;
  std::sort(order.begin(), order.end(), [now](const Waiter* a, const Waiter* b) {
    return goesBefore(a->waiting, b->waiting, now);
  });
  std::vector<Try> tries;
  for (Waiter* waiter : order) {
    if (waiter->permit || waiter->error) continue;
    waiter->inHand = true;
    tries.push_back({waiter, {}, {}});
  }
  lock.unlock();
  SteadyInstant askedAt = now;
  const Outcome committed = spendFor(tries, askedAt);
  lock.lock();
  settle(tries, committed, askedAt);
  leading_ = false;
  changed_.notify_all();
}

Outcome RateBudget::spendFor(std::vector<Try>& tries, SteadyInstant& askedAt) {
  bool unchanged = false;
  const Outcome committed = store_.writeAhead([&](store::Transaction& tx) -> Outcome {
    const Instant now = clock_.now();
    askedAt = clock_.steady();
    store::BudgetRecord row = tx.loadBudget();
    const int before = sendsBetween(row, now - kWindow, now - kTick);
    std::optional<Milliseconds> slotWait;  // the first who waits for a slot keeps the lane's order
    bool changed = false;
    for (Try& each : tries) {
      const Lane lane = each.waiter->waiting.lane;
      if (lane != Lane::kLogin && slotWait) {
        each.decision.wait = *slotWait;
        continue;
      }
      each.decision = decide(row, now, lane, rate_);
      if (each.decision.allowed) {
        each.permit = {now, each.decision.probe, before};
      } else if (lane != Lane::kLogin) {
        slotWait = each.decision.wait;
      }
      changed = changed || each.decision.allowed || each.decision.corrected;
      row = std::move(each.decision.after);
    }
    unchanged = !changed;
    if (unchanged) return Error{Code::kBusy, "nothing to commit"};  // rolls back: costs no flush
    tx.saveBudget(row);
    return Done{};
  });
  return unchanged ? Outcome(Done{}) : committed;
}

void RateBudget::settle(const std::vector<Try>& tries, const Outcome& committed,
                        SteadyInstant askedAt) {
  std::optional<Milliseconds> nap;
  for (const Try& each : tries) {
    Waiter& waiter = *each.waiter;
    waiter.inHand = false;
    if (!committed) {
      waiter.error = committed.error();
    } else if (each.decision.allowed) {
      waiter.permit = each.permit;
    } else {
      waiter.notBefore = askedAt + each.decision.wait;
      nap = std::min(nap.value_or(kLongestNap), each.decision.wait);
    }
  }
  // Who came meanwhile was not asked for; a login may be free to go now.
  const bool newcomer = std::any_of(waiters_.begin(), waiters_.end(), [&](const Waiter* waiter) {
    return waiter->notBefore == SteadyInstant{} && !waiter->permit && !waiter->error;
  });
  nextTry_ = newcomer ? askedAt : askedAt + nap.value_or(Milliseconds{0});
}

Outcome RateBudget::change(const std::function<store::BudgetRecord(store::BudgetRecord)>& edit) {
  const Outcome saved = store_.writeAhead([&](store::Transaction& tx) -> Outcome {
    tx.saveBudget(edit(tx.loadBudget()));
    return Done{};
  });
  const std::lock_guard lock(mutex_);
  nextTry_ = clock_.steady();
  for (Waiter* waiter : waiters_) waiter->notBefore = {};
  changed_.notify_all();
  return saved;
}

Outcome RateBudget::freeze(const Permit& permit, std::optional<Milliseconds> retryAfter) {
  return change([&](store::BudgetRecord row) {
    const Instant now = clock_.now();
    Milliseconds delay = kFirstFreeze;
    {
      const std::lock_guard lock(mutex_);
      for (int i = 0; i < freezesInARow_ && delay < kLongestOwnFreeze; ++i) delay *= 2;
      // Several requests in flight may all hear of one overrun.
      if (permit.probe || row.frozenUntil <= now) ++freezesInARow_;
    }
    delay = retryAfter.value_or(std::min(delay, kLongestOwnFreeze));
    return frozen(std::move(row), now, delay);
  });
}

Outcome RateBudget::probeAnswered(const Permit& permit) {
  {
    const std::lock_guard lock(mutex_);
    freezesInARow_ = 0;
  }
  return change([&](store::BudgetRecord row) { return thawed(std::move(row), permit.sentAt); });
}

Outcome RateBudget::noteUsage(const Permit& permit, int limit, int remaining) {
  if (limit < 1 || remaining < 0 || remaining > limit) return Done{};
  const int used = limit - remaining;
  // One may be of ours, slow on its way. In a full second it counts all the same: taken wrongly it
  // costs a tenth of the pace, and overlooked a 429.
  const int tolerated = remaining == 0 ? 0 : 1;
  // The row holds one window: of what was sent since an older request it may have forgotten some.
  const auto isFresh = [&](Instant now) {
    return permit.sentAt <= now && now - permit.sentAt <= kWindow;
  };
  if (used - permit.before - 1 <= tolerated || !isFresh(clock_.now())) return Done{};
  // What was sent with it, or after it, may have been counted before it was answered.
  const auto foreignIn = [&](const store::BudgetRecord& row, Instant now) {
    const int foreign = used - permit.before - sendsBetween(row, permit.sentAt - kTick, now);
    return isFresh(now) && foreign > tolerated ? foreign : 0;
  };
  int foreign = 0;
  bool moves = false;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    const store::BudgetRecord row = reader.loadBudget();
    const Instant now = clock_.now();
    foreign = foreignIn(row, now);
    moves = foreign > 0 && yielded(row, now, foreign, limit).nextSlot != row.nextSlot;
    return Done{};
  });
  if (!read) return read;
  if (foreign > 0) countForeign(permit.sentAt, foreign);
  if (!moves) return Done{};
  return store_.writeAhead([&](store::Transaction& tx) -> Outcome {
    const store::BudgetRecord row = tx.loadBudget();
    const Instant now = clock_.now();
    const int others = foreignIn(row, now);
    if (others > 0) tx.saveBudget(yielded(row, now, others, limit));
    return Done{};
  });
}

// The answers of one second all tell of the same requests.
void RateBudget::countForeign(Instant sentAt, int foreign) {
  static ops::Counter& counter =
      ops::counter("membergate_activecampaign_foreign_requests_total",
                   "Requests of other clients of the account, as far as answers tell of them.");
  const std::lock_guard lock(mutex_);
  const auto since = sentAt - foreignSince_;
  if (since >= kSecond || since <= -kSecond) {
    foreignSince_ = sentAt;
    foreignSeen_ = 0;
  }
  if (foreign <= foreignSeen_) return;
  counter.add(foreign - foreignSeen_);
  foreignSeen_ = foreign;
}

}  // namespace mbr::activecampaign
