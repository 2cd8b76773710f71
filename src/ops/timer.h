// Calls functions at given times, on one thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace mbr::ops {

// Thread-safe. Tasks run one after the other on the timer's thread and must be short and must not
// wait. A task that throws is logged and dropped.
class Timer {
 public:
  using TaskId = std::uint64_t;

  Timer();
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs `task` at `when` or as soon afterwards as it can. 0 and no effect after stop().
  TaskId at(SteadyInstant when, std::function<void()> task);

  // False if it has started or is unknown.
  bool cancel(TaskId id);

  // Drops what is left and joins; called by the owner, not by a task. Safe to repeat.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<SteadyInstant, TaskId>, std::function<void()>> tasks_;  // guarded by mutex_
  std::map<TaskId, SteadyInstant> due_;                                      // guarded by mutex_
  TaskId last_ = 0;                                                          // guarded by mutex_
  bool stopping_ = false;                                                    // guarded by mutex_
  std::thread thread_;
};

}  // namespace mbr::ops
