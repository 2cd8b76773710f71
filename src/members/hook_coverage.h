// Whether the event webhook can be trusted to have told of every change.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.h"
#include "domain/contact.h"

namespace mbr::members {

// In event mode a contact is current without a pull as long as nothing can have been missed: no gap
// is open, none was opened since the contact was pulled, and a delivery or a check of the hook is
// recent (DECISIONS, "Freshness and doubt").
//
// Thread-safe; cheap.
class HookCoverage {
 public:
  // `hooksOn`: webhooks.mode = events. `clock` must outlive this.
  HookCoverage(bool hooksOn, const Clock& clock) : hooksOn_(hooksOn), clock_(clock) {}

  void noteNews(Instant at);  // a delivery was taken, or a check found the hook as it should be
  // `openedAt`: of the newest gap, open or not.
  void setGaps(bool anyOpen, const std::optional<Instant>& openedAt);

  bool covers(const Contact& contact) const;

 private:
  const bool hooksOn_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<Instant> news_;      // guarded by mutex_
  std::optional<Instant> openedAt_;  // guarded by mutex_
  bool gapOpen_ = true;              // guarded by mutex_; until it is known better
};

}  // namespace mbr::members
