#include "members/hook_coverage.h"

#include <algorithm>

namespace mbr::members {
namespace {

constexpr std::chrono::minutes kRecent{10};

}  // namespace

void HookCoverage::noteNews(Instant at) {
  const std::lock_guard lock(mutex_);
  news_ = std::max(news_.value_or(at), at);
}

void HookCoverage::setGaps(bool anyOpen, const std::optional<Instant>& openedAt) {
  const std::lock_guard lock(mutex_);
  gapOpen_ = anyOpen;
  openedAt_ = openedAt;
}

bool HookCoverage::covers(const Contact& contact) const {
  if (!hooksOn_ || !contact.confirmed || !contact.pulledAt) return false;
  const std::lock_guard lock(mutex_);
  return !gapOpen_ && news_ && clock_.now() - *news_ < kRecent &&
         (!openedAt_ || *openedAt_ < *contact.pulledAt);
}

}  // namespace mbr::members
