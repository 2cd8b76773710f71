// Tells work in hand that its owner wants to end.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace mbr {

// Thread-safe. Raised once, never lowered.
class StopFlag {
 public:
  void raise() {
    {
      const std::lock_guard lock(mutex_);
      raised_ = true;
    }
    changed_.notify_all();
  }

  bool raised() const {
    const std::lock_guard lock(mutex_);
    return raised_;
  }

  // Waits until `until`; true at once if the flag is or gets raised.
  bool waitUntil(SteadyInstant until) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [this] { return raised_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool raised_ = false;  // guarded by mutex_
};

}  // namespace mbr
