// A store whose reads can be held after they have seen the database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "store/store.h"

namespace mbr::contacts {

// Thread-safe.
class PausedStore final : public store::Store {
 public:
  explicit PausedStore(store::Store& inner) : inner_(inner) {}

  // The next read is held once it is through, until letGo().
  void holdNextRead() {
    const std::lock_guard lock(mutex_);
    hold_ = true;
    held_ = false;
    letGo_ = false;
  }
  void awaitHeld() {
    std::unique_lock lock(mutex_);
    wait(lock, held_);
  }
  void letGo() {
    {
      const std::lock_guard lock(mutex_);
      letGo_ = true;
    }
    changed_.notify_all();
  }
  int reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

  void submit(Work work, DoneFn done) override { inner_.submit(std::move(work), std::move(done)); }
  Outcome write(Work work) override { return inner_.write(std::move(work)); }
  Outcome read(const ReadWork& work) override {
    const Outcome outcome = inner_.read(work);
    std::unique_lock lock(mutex_);
    ++reads_;
    if (std::exchange(hold_, false)) {
      held_ = true;
      changed_.notify_all();
      wait(lock, letGo_);
    }
    return outcome;
  }
  void subscribe(Listener listener) override { inner_.subscribe(std::move(listener)); }

 private:
  void wait(std::unique_lock<std::mutex>& lock, const bool& isSo) {
    if (!changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return isSo; })) {
      throw std::runtime_error("waited in vain");
    }
  }

  store::Store& inner_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool hold_ = false;   // guarded by mutex_
  bool held_ = false;   // guarded by mutex_
  bool letGo_ = false;  // guarded by mutex_
  int reads_ = 0;       // guarded by mutex_
};

}  // namespace mbr::contacts
