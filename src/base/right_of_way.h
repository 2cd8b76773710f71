// Who goes first on the cores: while somebody is being served, work that nobody waits for gives
// way.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace mbr {

// Thread-safe.
class RightOfWay {
 public:
  // `longest`: how long giveWay() waits at most, so that whoever gives way is never shut out.
  explicit RightOfWay(Milliseconds longest = Milliseconds{25}) : longest_(longest) {}
  RightOfWay(const RightOfWay&) = delete;
  RightOfWay& operator=(const RightOfWay&) = delete;

  // Has the right of way for its life. May be made of none, which must else outlive it.
  class Hold {
   public:
    explicit Hold(RightOfWay* way) : way_(way) {
      if (way_ != nullptr) way_->change(1);
    }
    ~Hold() {
      if (way_ != nullptr) way_->change(-1);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    RightOfWay* const way_;
  };

  Milliseconds longest() const { return longest_; }

  bool held() const {
    const std::lock_guard lock(mutex_);
    return holds_ != 0;
  }

  // Returns once nobody has it, or after longest().
  void giveWay() const {
    std::unique_lock lock(mutex_);
    free_.wait_for(lock, longest_, [this] { return holds_ == 0; });
  }

 private:
  void change(int by) {
    const std::lock_guard lock(mutex_);
    holds_ += by;
    if (holds_ == 0) free_.notify_all();
  }

  const Milliseconds longest_;
  mutable std::mutex mutex_;
  mutable std::condition_variable free_;
  int holds_ = 0;  // guarded by mutex_
};

}  // namespace mbr
