// The threads on which argon2 runs: as many as cores, with a short queue.
//
// Each hash takes a core and 19 MiB for some 15 ms, so an unbounded queue would turn logins into a
// lever against the machine. Past the bound a caller hears so at once and answers 503.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/right_of_way.h"
#include "ops/metrics.h"
#include "passwords/hash_memory.h"

namespace mbr::passwords {

// Constructed, started and stopped by its owner; tryRun() may be called by any thread.
class HashPool {
 public:
  struct Options {
    unsigned threads = 0;    // 0 = one a core
    std::size_t queue = 64;  // logins that may wait, >= 1; as many background tasks beside them
    // Held while a login's task runs. Outlives the pool.
    RightOfWay* loginsFirst = nullptr;
    // What tasks hash with: it lets go of what is unused while no task comes. Outlives the pool.
    HashMemory* memory = nullptr;
  };

  enum class Priority {
    kKnown,       // the pair of account and address has logged in before: goes first
    kUnknown,     // may take three quarters of the queue, so that guessing never shuts out kKnown
    kBackground,  // one at a time, and begun only while no login waits
  };

  HashPool() : HashPool(Options{}) {}
  explicit HashPool(Options options);
  ~HashPool() { stop(); }
  HashPool(const HashPool&) = delete;
  HashPool& operator=(const HashPool&) = delete;

  // Queues `task` and returns at once. False if there is no room or the pool has stopped: the task
  // is dropped without having run. A task that throws is logged and counted.
  bool tryRun(Priority priority, std::function<void()> task);

  // Runs what is queued, then joins; not to be called by a task. Safe to repeat.
  void stop();

 private:
  using Task = std::function<void()>;

  void run();
  void awaitTask(std::unique_lock<std::mutex>& lock);
  bool hasRoom(Priority priority) const;  // with mutex_ held
  bool canBegin() const;                  // with mutex_ held
  void showLength();                      // with mutex_ held

  const Options options_;
  ops::Gauge& length_;
  ops::Counter& refused_;
  ops::Counter& thrown_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> known_;            // guarded by mutex_
  std::deque<Task> unknown_;          // guarded by mutex_
  std::deque<Task> background_;       // guarded by mutex_
  bool inBackground_ = false;         // guarded by mutex_: a background task is running
  bool stopping_ = false;             // guarded by mutex_
  std::vector<std::thread> threads_;  // owner's thread only
};

}  // namespace mbr::passwords
