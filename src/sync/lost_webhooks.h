// Webhooks that were answered 503: nothing of them was kept, so a gap must be.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.h"
#include "store/store.h"

namespace mbr::sync {

// The store that could not keep a webhook cannot keep the gap either, so it is remembered here
// until it can. If the process ends before, the gap of its next start covers it. Thread-safe.
class LostWebhooks {
 public:
  // Both must outlive the object.
  LostWebhooks(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  void note();   // never waits
  void flush();  // opens the gap, if there is one to open; for background threads

 private:
  struct Span {
    Instant from{};
    Instant to{};
  };

  store::Store& store_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Span> span_;  // guarded by mutex_
};

}  // namespace mbr::sync
