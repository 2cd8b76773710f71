#include "passwords/hash_pool.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "ops/log.h"

namespace mbr::passwords {

HashPool::HashPool(Options options)
    : options_(options),
      length_(ops::gauge("membergate_login_queue_length", "Password checks waiting for a thread")),
      refused_(ops::counter("membergate_login_queue_refused_total",
                            "Password checks refused because the queue was full")),
      thrown_(ops::counter("membergate_login_queue_failed_total",
                           "Password checks that ended with an exception")) {
  const unsigned wanted =
      options.threads != 0 ? options.threads : std::thread::hardware_concurrency();
  for (unsigned i = 0; i < std::max(wanted, 1U); ++i) threads_.emplace_back([this] { run(); });
}

bool HashPool::hasRoom(Priority priority) const {
  if (priority == Priority::kBackground) return background_.size() < options_.queue;
  if (known_.size() + unknown_.size() >= options_.queue) return false;
  return priority == Priority::kKnown || unknown_.size() < options_.queue - options_.queue / 4;
}

bool HashPool::canBegin() const {
  return !known_.empty() || !unknown_.empty() || (!background_.empty() && !inBackground_);
}

void HashPool::showLength() { length_.set(static_cast<double>(known_.size() + unknown_.size())); }

bool HashPool::tryRun(Priority priority, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && hasRoom(priority)) {
      auto& queue = priority == Priority::kKnown     ? known_
                    : priority == Priority::kUnknown ? unknown_
                                                     : background_;
      queue.push_back(std::move(task));
      showLength();
      wake_.notify_one();
      return true;
    }
  }
  if (priority != Priority::kBackground) refused_.add();
  return false;
}

void HashPool::awaitTask(std::unique_lock<std::mutex>& lock) {
  const auto due = [this] { return stopping_ || canBegin(); };
  if (options_.memory != nullptr && !wake_.wait_for(lock, options_.memory->keptFor(), due)) {
    lock.unlock();
    options_.memory->releaseUnused();
    lock.lock();
  }
  wake_.wait(lock, due);
}

void HashPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    awaitTask(lock);
    // With `stopping_`, a background task that runs leaves the rest of its queue to its own thread.
    if (!canBegin()) return;
    auto& queue = !known_.empty() ? known_ : !unknown_.empty() ? unknown_ : background_;
    const bool background = &queue == &background_;
    Task task = std::move(queue.front());
    queue.pop_front();
    inBackground_ = inBackground_ || background;
    showLength();
    lock.unlock();
    try {
      const RightOfWay::Hold hold(background ? nullptr : options_.loginsFirst);
      task();
    } catch (const std::exception& error) {
      thrown_.add();
      ops::logError("hash_task_failed", {{"error", error.what()}});
    } catch (...) {
      thrown_.add();
      ops::logError("hash_task_failed", {{"error", "unknown"}});
    }
    task = nullptr;  // what it holds goes before the lock is taken
    lock.lock();
    if (background) inBackground_ = false;
  }
}

void HashPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace mbr::passwords
