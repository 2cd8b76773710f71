#include "app/errands.h"

#include <exception>
#include <utility>

#include "ops/log.h"

namespace mbr::app {

bool Errands::add(std::function<void()> errand) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= kMostWaiting) return false;
    waiting_.push_back(std::move(errand));
  }
  changed_.notify_one();
  return true;
}

void Errands::start() {
  thread_ = std::thread([this] { loop(); });
}

void Errands::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Errands::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto errand = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    run(errand);
    lock.lock();
  }
}

void Errands::run(const std::function<void()>& errand) {
  try {
    errand();
  } catch (const std::exception& e) {
    ops::logError("errand_failed", {{"what", e.what()}});
  } catch (...) {
    ops::logError("errand_failed", {{"what", "unknown exception"}});
  }
}

}  // namespace mbr::app
