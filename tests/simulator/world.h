// All parts of one running simulator.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "account.h"
#include "faults.h"
#include "hook_sender.h"
#include "options.h"
#include "rate_limit.h"
#include "request_log.h"

namespace acsim {

// Thread-safe. Cuts waits short when the simulator ends.
class Stopper {
 public:
  void stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping = true;
    wake_.notify_all();
  }
  void sleep(std::chrono::milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping.load(); });
  }
  std::atomic<bool> stopping{false};

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
};

struct World {
  explicit World(const Options& given)
      : options(given),
        limit(given.rate),
        log(given.dir + "/acsim.log"),
        hooks([this](Id id) {
          account.with(true, [id](Ledger& ledger) {
            const auto hook = ledger.webhooks.find(id);
            if (hook != ledger.webhooks.end()) hook->second.active = false;
          });
        }),
        account(given.stateFile,
                [this](std::vector<Delivery> deliveries) { hooks.queue(std::move(deliveries)); }) {
    hooks.start();
  }

  // Ends all threads but the server's, and saves.
  void stop() {
    stopper.stop();
    hooks.stop();
    account.stop();
  }

  const Options options;
  Stopper stopper;
  RateLimit limit;
  RequestLog log;
  Faults faults;
  HookSender hooks;
  Account account;
};

}  // namespace acsim
