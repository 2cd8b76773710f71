#include "ops/timer.h"

#include "ops/log.h"

namespace mbr::ops {

Timer::Timer() : thread_([this] { run(); }) {}

Timer::TaskId Timer::at(SteadyInstant when, std::function<void()> task) {
  bool isNext = false;
  TaskId id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return 0;
    id = ++last_;
    const auto place = tasks_.emplace(std::make_pair(when, id), std::move(task)).first;
    due_.emplace(id, when);
    isNext = place == tasks_.begin();
  }
  if (isNext) changed_.notify_one();
  return id;
}

bool Timer::cancel(TaskId id) {
  std::function<void()> dropped;  // destroyed after the lock: it may own what calls back
  const std::lock_guard lock(mutex_);
  const auto known = due_.find(id);
  if (known == due_.end()) return false;
  const auto task = tasks_.find({known->second, id});
  dropped = std::move(task->second);
  tasks_.erase(task);
  due_.erase(known);
  return true;
}

void Timer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::map<std::pair<SteadyInstant, TaskId>, std::function<void()>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(tasks_);
  due_.clear();
}

void Timer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto next = tasks_.begin();
    const auto when = next->first.first;
    if (std::chrono::steady_clock::now() < when) {
      changed_.wait_until(lock, when);
      continue;
    }
    std::function<void()> task = std::move(next->second);
    due_.erase(next->first.second);
    tasks_.erase(next);
    lock.unlock();
    try {
      task();
    } catch (...) {
      logError("timer_task_failed");
    }
    task = nullptr;
    lock.lock();
  }
}

}  // namespace mbr::ops
