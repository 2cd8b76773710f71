// Follows jobs that a command has committed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/job.h"
#include "store/store.h"

namespace mbr::cli {

struct JobsEnded {
  std::int64_t done = 0;
  std::int64_t failed = 0;  // refused or given up
  std::int64_t open = 0;    // the service goes on with them
  std::string reason;       // of one that failed, or failed a try
};

// Until all have ended or had a try that failed, for half a minute at most; at once if no service
// runs. Shows how it goes on stderr, unless `quiet`. Throws Failure.
JobsEnded follow(store::Store& store, const Clock& clock, const std::vector<JobId>& jobs,
                 bool daemonRuns, bool quiet);

// {"jobs":[…],"done","failed","open","reason"}, or a sentence on a terminal. The exit code says
// whether all that ended did so well.
int report(const std::vector<JobId>& jobs, const JobsEnded& ended, bool daemonRuns, bool asJson);

}  // namespace mbr::cli
