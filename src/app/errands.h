// What a request needs and a fast worker must not wait for.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace mbr::app {

// Runs pieces of work one after the other on a thread of its own. add() is thread-safe; start() and
// stop() are the owner's.
class Errands {
 public:
  Errands() = default;
  ~Errands() { stop(); }
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // False, and `errand` will never run, if kMostWaiting wait already or stop() was called.
  [[nodiscard]] bool add(std::function<void()> errand);

  void start();
  void stop();  // does what waits, then joins; safe to repeat

  static constexpr std::size_t kMostWaiting = 32;

 private:
  void loop();
  static void run(const std::function<void()>& errand);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::thread thread_;                         // the owner's
};

}  // namespace mbr::app
