#include "activecampaign/gcra.h"

#include <algorithm>
#include <cmath>

namespace mbr::activecampaign {
namespace {

constexpr Milliseconds kShortestArrears{20};

// Makes of the row what can be believed at `now`: nothing lies further ahead than it may. True if
// something did.
bool correct(store::BudgetRecord& row, Instant now, Rate rate) {
  bool corrected = false;
  const auto bound = [&](Instant& instant, Milliseconds ahead) {
    if (instant <= now + ahead) return;
    instant = now;
    corrected = true;
  };
  for (Instant& send : row.sends) bound(send, kMaxAhead);
  if (corrected) std::sort(row.sends.begin(), row.sends.end());
  bound(row.nextSlot, rate.interval() + kMaxAhead);
  bound(row.frozenUntil, kLongestFreeze);
  return corrected;
}

void remember(store::BudgetRecord& row, Instant now, Rate rate) {
  auto& sends = row.sends;
  sends.insert(std::upper_bound(sends.begin(), sends.end(), now), now);
  auto firstKept = std::lower_bound(sends.begin(), sends.end(), now - kWindow);
  const auto excess =
      static_cast<std::ptrdiff_t>(sends.size()) - static_cast<std::ptrdiff_t>(rate.perWindow());
  if (excess > 0) firstKept = std::max(firstKept, sends.begin() + excess);
  sends.erase(sends.begin(), firstKept);
}

Milliseconds windowWait(const store::BudgetRecord& row, Instant now, Rate rate) {
  if (row.sends.size() < rate.perWindow()) return Milliseconds{0};
  const Instant oldest = row.sends[row.sends.size() - rate.perWindow()];
  return std::max(Milliseconds{0}, oldest + kWindow - now);
}

}  // namespace

Rate::Rate(double perSecond)
    : milliPerSecond_(std::llround(std::clamp(perSecond, 0.1, 1000.0) * 1000)) {}

std::size_t Rate::perWindow() const {
  return static_cast<std::size_t>((milliPerSecond_ * 5 + 3999) / 4000);
}

// Slot number k of the epoch is at ceil(k / rate). A slot moves on by the distance between the two
// numbers around it, so that rounding never adds up.
Instant Rate::slotAfter(Instant slot) const {
  const auto startOf = [this](std::int64_t k) {
    return k / milliPerSecond_ * 1000000 +
           (k % milliPerSecond_ * 1000000 + milliPerSecond_ - 1) / milliPerSecond_;
  };
  const std::int64_t ms = std::max<std::int64_t>(0, toEpochMs(slot));
  const std::int64_t k = ms / 1000000 * milliPerSecond_ + ms % 1000000 * milliPerSecond_ / 1000000;
  return slot + Milliseconds{startOf(k + 1) - startOf(k)};
}

Milliseconds Rate::interval() const {
  return Milliseconds{(1000000 + milliPerSecond_ - 1) / milliPerSecond_};
}

Decision decide(const store::BudgetRecord& row, Instant now, Lane lane, Rate rate) {
  Decision decision;
  decision.after = row;
  store::BudgetRecord& after = decision.after;
  decision.corrected = correct(after, now, rate);

  const bool paced = lane != Lane::kLogin;
  const Milliseconds arrears = std::max(rate.interval(), kShortestArrears);
  const Instant slot = std::max(after.nextSlot, now - arrears);
  decision.wait =
      std::max({Milliseconds{0}, after.frozenUntil - now, windowWait(after, now, rate)});
  if (paced) decision.wait = std::max(decision.wait, slot - now);
  if (decision.wait > Milliseconds{0}) return decision;

  decision.allowed = true;
  decision.probe = after.frozenUntil != Instant{};
  if (decision.probe) after.frozenUntil = now + kProbePause;
  if (paced) after.nextSlot = rate.slotAfter(slot);
  remember(after, now, rate);
  return decision;
}

store::BudgetRecord frozen(store::BudgetRecord row, Instant now, Milliseconds retryAfter) {
  const Instant until = now + std::clamp(retryAfter, kShortestFreeze, kLongestFreeze);
  const bool standing = row.frozenUntil > until && row.frozenUntil <= now + kLongestFreeze;
  if (!standing) row.frozenUntil = until;
  return row;
}

store::BudgetRecord thawed(store::BudgetRecord row, Instant probeSentAt) {
  if (row.frozenUntil == probeSentAt + kProbePause) row.frozenUntil = Instant{};
  return row;
}

int sendsBetween(const store::BudgetRecord& row, Instant from, Instant to) {
  return static_cast<int>(std::count_if(row.sends.begin(), row.sends.end(),
                                        [&](Instant send) { return send > from && send <= to; }));
}

store::BudgetRecord yielded(store::BudgetRecord row, Instant now, int foreign, int limit) {
  if (row.sends.empty()) return row;
  const int room = std::max(1, limit - foreign);
  Instant slot = row.sends.back() + kWindow / room;
  if (row.sends.size() >= static_cast<std::size_t>(room)) {
    slot = std::max(slot, row.sends[row.sends.size() - static_cast<std::size_t>(room)] + kWindow);
  }
  row.nextSlot = std::max(row.nextSlot, std::min(slot, now + kMaxAhead));
  return row;
}

}  // namespace mbr::activecampaign
