#include "hook_sender.h"

#include <chrono>

#include "json_out.h"
#include "poster.h"

namespace acsim {

void HookSender::start() {
  for (int i = 0; i < 4; ++i) threads_.emplace_back([this] { loop(); });
}

void HookSender::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    ready_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HookSender::queue(std::vector<Delivery> deliveries) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Delivery& delivery : deliveries) {
    if (std::uniform_real_distribution<>(0, 1)(random_) < drop_) {
      ++dropped_;
      continue;
    }
    for (long copy = 0; copy <= duplicate_; ++copy) {
      const Ms jitter = reorder_ ? std::uniform_int_distribution<Ms>(0, 100)(random_) : 0;
      waiting_.push_back({delivery, nowMs() + delayMs_ + jitter});
    }
  }
  ready_.notify_all();
}

void HookSender::loop() {
  Poster poster;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    auto next = waiting_.begin();
    for (auto each = waiting_.begin(); each != waiting_.end() && reorder_; ++each) {
      if (each->due < next->due) next = each;
    }
    if (next == waiting_.end()) {
      ready_.wait(lock);
      continue;
    }
    if (next->due > nowMs()) {
      ready_.wait_for(lock, std::chrono::milliseconds(next->due - nowMs()));
      continue;
    }
    const Delivery delivery = std::move(next->delivery);
    waiting_.erase(next);
    ++inFlight_;
    lock.unlock();
    const int status = poster.post(delivery.url, delivery.body);
    if (status == 410) gone_(delivery.hook);
    lock.lock();
    --inFlight_;
    ++sent_;
    ++answers_[status];
  }
}

void HookSender::set(const JsonObject& switches) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_ = real(switches, "drop", drop_);
  duplicate_ = integer(switches, "duplicate", duplicate_);
  delayMs_ = integer(switches, "delay_ms", delayMs_);
  reorder_ = truth(switches, "reorder", reorder_);
}

std::string HookSender::report() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  JsonOut out;
  out.open().put("queued", static_cast<std::int64_t>(waiting_.size()));
  out.put("in_flight", inFlight_).put("sent", sent_).put("dropped", dropped_);
  out.key("answers").open();
  for (const auto& [status, count] : answers_) {
    out.put(status == 0 ? "error" : std::to_string(status), count);
  }
  return out.close().close().take();
}

}  // namespace acsim
