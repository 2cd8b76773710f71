// Follows jobs that a command has committed.
#pragma once

#include <csignal>
#include <vector>

#include "app/workbench.h"
#include "domain/job.h"

namespace mbr::cli {

// From its beginning on the command ends by a stop signal only where follow() says so. To be made
// before the first thread.
class JobWatch {
 public:
  JobWatch();

  // Until all have ended or had a try that failed, for half a minute at most. Without a service the
  // jobs are run here. Shows on stderr how it goes, unless `asJson`. Prints
  // {"jobs":[…],"done","failed","open","reason","daemon"}, or a sentence. The exit code says
  // whether all that ended did so well. A stop signal ends the work, and after the answer the
  // process. Throws Failure.
  int follow(app::Workbench& bench, const std::vector<JobId>& jobs, bool asJson) const;

 private:
  const sigset_t signals_;
};

}  // namespace mbr::cli
