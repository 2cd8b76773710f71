// A pass over the account that the operator asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/process_lock.h"
#include "app/workbench.h"
#include "base/stop_flag.h"
#include "domain/gap.h"
#include "members/contact_updater.h"
#include "members/hook_coverage.h"
#include "members/password_issuer.h"
#include "members/tombstones.h"
#include "passwords/generator.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
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

  // See sync::confirmDeletions. The jobs run in the daemon.
  Result<std::vector<JobId>> confirmDeletions();
  // How many of them have not ended. Errors: the store's.
  Result<std::size_t> countOpen(const std::vector<JobId>& jobs);

  bool daemonRuns();

 private:
  void workHere();

  Workbench& bench_;
  passwords::Generator generator_;
  passwords::Hasher hasher_;
  passwords::Sealer sealer_;
  const members::PasswordLinks links_;
  members::PasswordIssuer issuer_;
  const members::Tombstones tombstones_;
  members::ContactUpdater updater_;
  members::HookCoverage coverage_;
  const members::LinkTokens linkTokens_;
  sync::ContactReader reader_;
  sync::Reconciler reconciler_;
  std::unique_ptr<ProcessLock> lock_;
  std::int64_t gap_ = 0;
  SteadyInstant looked_{};
  StopFlag stop_;
  std::mutex mutex_;
  std::optional<Outcome> ended_;  // guarded by mutex_; of the work here
  std::thread thread_;
};

}  // namespace mbr::app
