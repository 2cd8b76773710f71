// A command that does the daemon's work because none runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "app/process_lock.h"
#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

namespace mbr::app {

// Held for as long as a command works. Several commands may work at once, and a daemon may start
// meanwhile: the leases in the store keep them apart, and none voids another's. One thread at a
// time.
class StandIn {
 public:
  // How often it is seen whether a daemon still runs, by a command that follows its work.
  static constexpr std::chrono::seconds kLookEvery{3};

  // Not the daemon's own: a command that works is no daemon to who asks for one.
  static std::string lockFor(const std::string& storePath) { return storePath + ".work.lock"; }

  static bool daemonRuns(const config::Config& config) {
    return ProcessLock::isHeld(ProcessLock::pathFor(config.storePath));
  }

  // Null while a daemon runs. What a killed process left in hand is free again. Errors: the
  // store's. Throws StartError.
  static Result<std::unique_ptr<StandIn>> begin(store::Store& store, const config::Config& config);

 private:
  explicit StandIn(const config::Config& config) : lock_(lockFor(config.storePath)) {}

  ProcessLock lock_;
};

// Voids the leases on jobs and on the running pass. For who knows that nobody works.
Outcome releaseLeases(store::Store& store);

}  // namespace mbr::app
