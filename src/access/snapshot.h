// A copy in memory of something in the store that is read at every request and seldom changes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "ops/log.h"

namespace mbr::access {

// Thread-safe. markStale() takes no store and no time, so a store's listener may call it; the next
// get() reads anew on its caller's thread. A reader holds the copy it works with while a newer one
// takes its place: hence the shared_ptr.
template <class T>
class Snapshot {
 public:
  using Load = std::function<Result<T>()>;

  // `clock` and what `load` uses must outlive the snapshot; `name` is for the log.
  Snapshot(const char* name, const Clock& clock, Load load)
      : name_(name), clock_(clock), load_(std::move(load)) {}

  void markStale() {
    const std::lock_guard lock(mutex_);
    stale_ = true;
  }

  // The copy in force; null only as long as it was never read. While it cannot be read anew, the
  // old one stays in force and reading is tried again every 100 ms.
  std::shared_ptr<const T> get() {
    {
      const std::lock_guard lock(mutex_);
      if (current_ != nullptr && (loading_ || !isDue(clock_.steady()))) return current_;
      loading_ = true;
    }
    (void)reload();  // logged there; what was read before serves on
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // Reads now. Errors: those of `load`; the old copy stays.
  Outcome reload() {
    std::uint64_t ticket = 0;
    {
      const std::lock_guard lock(mutex_);
      ticket = ++started_;
      stale_ = false;  // before reading: a change from here on makes it stale again
    }
    Result<T> fresh = load_();
    if (!fresh) {
      ops::logWarning("access_not_read", {{"what", name_}, {"detail", fresh.error().detail}});
    }
    const std::lock_guard lock(mutex_);
    loading_ = false;
    if (!fresh) {
      stale_ = true;
      retryAt_ = clock_.steady() + kRetryAfter;
      return fresh.error();
    }
    if (ticket > shown_) {
      current_ = std::make_shared<const T>(std::move(fresh).value());
      shown_ = ticket;
      oldAt_ = clock_.steady() + kMaxAge;
    }
    return Done{};
  }

 private:
  static constexpr std::chrono::milliseconds kRetryAfter{100};
  static constexpr std::chrono::seconds kMaxAge{60};  // for what no change announces

  bool isDue(SteadyInstant now) const { return now >= retryAt_ && (stale_ || now >= oldAt_); }

  const char* const name_;
  const Clock& clock_;
  const Load load_;
  std::mutex mutex_;
  std::shared_ptr<const T> current_;  // guarded by mutex_
  std::uint64_t started_ = 0;         // guarded by mutex_: reads begun
  std::uint64_t shown_ = 0;           // guarded by mutex_: the read that current_ came from
  SteadyInstant retryAt_{};           // guarded by mutex_
  SteadyInstant oldAt_{};             // guarded by mutex_
  bool stale_ = true;                 // guarded by mutex_
  bool loading_ = false;              // guarded by mutex_
};

}  // namespace mbr::access
