#include "members/hook_coverage.h"

namespace mbr::members {
namespace {

constexpr std::chrono::minutes kRecent{10};
constexpr std::chrono::seconds kMaxAhead{2};  // beyond it: written before the clock was set back

}  // namespace

void HookCoverage::noteNews(Instant at) {
  const std::lock_guard lock(mutex_);
  if (!news_ || *news_ < at || *news_ > clock_.now() + kMaxAhead) news_ = at;
}

void HookCoverage::setGaps(bool anyOpen, const std::optional<Instant>& openedAt) {
  const std::lock_guard lock(mutex_);
  gapOpen_ = anyOpen;
  openedAt_ = openedAt;
}

bool HookCoverage::covers(const Contact& contact) const {
  if (!hooksOn_ || !contact.confirmed || !contact.pulledAt) return false;
  const std::lock_guard lock(mutex_);
  if (gapOpen_ || !news_) return false;
  const auto age = clock_.now() - *news_;
  return age >= -kMaxAhead && age < kRecent && (!openedAt_ || *openedAt_ < *contact.pulledAt);
}

}  // namespace mbr::members
