#include "sync/lost_webhooks.h"

#include <algorithm>
#include <utility>

#include "ops/log.h"

namespace mbr::sync {

void LostWebhooks::note() {
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (!span_) span_ = Span{now, now};
  span_->from = std::min(span_->from, now);
  span_->to = std::max(span_->to, now);
}

void LostWebhooks::flush() {
  std::optional<Span> span;
  {
    const std::lock_guard lock(mutex_);
    std::swap(span, span_);
  }
  if (!span) return;
  const Outcome opened = store_.write([&](store::Transaction& tx) -> Outcome {
    tx.openGap(gap_reason::kStore, span->from, span->to);
    return Done{};
  });
  if (opened) return ops::logWarning("webhooks_not_kept", {});
  const std::lock_guard lock(mutex_);
  if (!span_) span_ = span;
  span_->from = std::min(span_->from, span->from);
}

}  // namespace mbr::sync
