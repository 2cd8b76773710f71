// A pass over the account that the operator asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/outbound.h"
#include "app/stand_in.h"
#include "app/workbench.h"
#include "base/stop_flag.h"
#include "domain/gap.h"
#include "members/hook_coverage.h"
#include "sync/reconciler.h"

namespace mbr::app {

// Beside a daemon the daemon makes the pass; without one it is made here, on a thread of its own,
// under the lease that a daemon which starts meanwhile respects. One thread at a time.
class SyncRun {
 public:
  struct Progress {
    bool done = false;
    bool here = false;           // no daemon runs
    std::optional<Sweep> sweep;  // none yet: another pass is under way, or none has begun
    std::int64_t suspended = 0;  // contacts that are missing, too many to believe it
  };

  // `bench` must outlive the run. Throws StartError.
  explicit SyncRun(Workbench& bench);
  ~SyncRun();  // leaves the pass where it is; it goes on with the next one
  SyncRun(const SyncRun&) = delete;
  SyncRun& operator=(const SyncRun&) = delete;

  // Asks for the pass. Errors: the store's.
  Outcome ask(bool full);

  // How it goes; to be called every now and then until it is done. Errors: the store's, and what
  // ended the work here.
  Result<Progress> look();

  // See sync::confirmDeletions; for a JobRun.
  Result<std::vector<JobId>> confirmDeletions();

 private:
  Outcome workHere();
  std::optional<Error> faultHere();

  Workbench& bench_;
  Outbound outbound_;
  members::HookCoverage coverage_;
  sync::Reconciler reconciler_;
  std::unique_ptr<StandIn> standIn_;  // while the pass is made here
  std::int64_t gap_ = 0;
  SteadyInstant looked_{};
  StopFlag stop_;
  std::mutex mutex_;
  std::optional<Outcome> ended_;  // guarded by mutex_; of the work here
  std::thread thread_;
};

}  // namespace mbr::app
