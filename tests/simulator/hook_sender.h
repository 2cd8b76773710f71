// Delivers event webhooks: at most once each, never retried, in no sure order.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "json_in.h"
#include "ledger.h"

namespace acsim {

// Thread-safe, but for start() and stop(), which the owner calls.
class HookSender {
 public:
  // `gone(hook)` is called when a target answers 410.
  explicit HookSender(std::function<void(Id)> gone) : gone_(std::move(gone)) {}
  ~HookSender() { stop(); }

  void start();
  void stop();  // drops what is still queued
  void queue(std::vector<Delivery> deliveries);

  // drop: probability; duplicate: extra copies; reorder; delay_ms before sending.
  void set(const JsonObject& switches);
  // {queued, in_flight, sent, dropped, answers{status: n}}
  std::string report() const;

 private:
  struct Waiting {
    Delivery delivery;
    Ms due;
  };
  void loop();

  const std::function<void(Id)> gone_;
  std::vector<std::thread> threads_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable ready_;
  std::deque<Waiting> waiting_;
  std::mt19937 random_{20260101};
  bool stopping_ = false;
  double drop_ = 0;
  long duplicate_ = 0, delayMs_ = 0;
  bool reorder_ = false;
  long inFlight_ = 0, sent_ = 0, dropped_ = 0;
  std::map<int, long> answers_;
};

}  // namespace acsim
