// Jobs that a command has opened, until they end.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/outbound.h"
#include "app/stand_in.h"
#include "app/workbench.h"
#include "base/clock.h"
#include "base/result.h"
#include "domain/job.h"

namespace mbr::app {

// Beside a daemon the daemon runs them; without one they are run here, with those that must end
// before them and no others. A daemon that starts meanwhile, or another command, shares the work:
// each job is claimed in the store. One thread at a time.
class JobRun {
 public:
  struct Progress {
    std::size_t done = 0;
    std::size_t failed = 0;  // refused or given up
    std::size_t open = 0;
    std::size_t near = 0;  // open ones that may end soon: they have not failed a try since
    std::string reason;    // of one that failed, or failed a try
  };

  // `bench` must outlive the run.
  JobRun(Workbench& bench, const std::vector<JobId>& jobs);
  ~JobRun() { stop(); }
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;

  // How it goes; to be called every now and then. Begins the work here once no daemon runs. Errors:
  // the store's. Throws StartError.
  Result<Progress> look();

  // Ends the work here: a job in hand is finished, or goes back if that would take long. Safe to
  // repeat.
  void stop();

 private:
  struct Followed {
    JobId id = 0;
    std::optional<int> attempts;  // when it was first looked at
  };

  Outcome workHere();
  bool isNear(store::Reader& reader, const Job& job, std::optional<int> attempts) const;

  Workbench& bench_;
  std::vector<Followed> open_;
  Progress ended_;  // what those come to that have ended
  SteadyInstant lookedAt_{};
  bool stopped_ = false;
  std::unique_ptr<StandIn> standIn_;    // while the jobs are run here
  std::unique_ptr<Outbound> outbound_;  // likewise
};

}  // namespace mbr::app
