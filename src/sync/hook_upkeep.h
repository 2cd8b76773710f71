// Looks after the event webhook from time to time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/stop_flag.h"
#include "members/hook_coverage.h"
#include "store/store.h"
#include "sync/contact_reader.h"
#include "sync/event_hook.h"

namespace mbr::sync {

// Has a thread of its own, since a check waits for ActiveCampaign. Thread-safe but for start() and
// stop(), which are the owner's.
class HookUpkeep {
 public:
  struct Options {
    Milliseconds checkEvery = std::chrono::minutes{5};
    Milliseconds retryAfter = std::chrono::seconds{30};  // when a check failed
    // Without a delivery for so long a pass that found changes means that the webhook is dead, as
    // ActiveCampaign leaves it after a 410. It is made anew, at most once in `replaceEvery`.
    Milliseconds silence = std::chrono::minutes{10};
    Milliseconds replaceEvery = std::chrono::hours{1};
  };

  // All of them must outlive the upkeep.
  HookUpkeep(EventHook& hook, ClientPool& clients, store::Store& store,
             members::HookCoverage& coverage, const Clock& clock, Options options);
  ~HookUpkeep();
  HookUpkeep(const HookUpkeep&) = delete;
  HookUpkeep& operator=(const HookUpkeep&) = delete;

  void start();
  void stop();  // ends a check in hand soon, then joins; safe to repeat

  // A pass found `contacts` changed of which no webhook had told.
  void onDrift(std::int64_t contacts);

 private:
  void run();
  bool check();
  void replaceIfSilent();

  EventHook& hook_;
  ClientPool& clients_;
  store::Store& store_;
  members::HookCoverage& coverage_;
  const Clock& clock_;
  const Options options_;
  StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool drifted_ = false;                     // guarded by mutex_
  std::optional<SteadyInstant> replacedAt_;  // the thread's alone
  std::thread thread_;                       // the owner's
};

}  // namespace mbr::sync
