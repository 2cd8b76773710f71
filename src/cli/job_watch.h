// Follows jobs that a command has committed.
#pragma once

#include <vector>

#include "cli/settings.h"
#include "domain/job.h"

namespace mbr::cli {

// Until all have ended or had a try that failed, for half a minute at most; at once if no service
// runs. Shows on stderr how it goes, unless `asJson`. Prints
// {"jobs":[…],"done","failed","open","reason","daemon"}, or a sentence. The exit code says whether
// all that ended did so well. Throws Failure.
int followJobs(const Workplace& place, const std::vector<JobId>& jobs, bool asJson);

}  // namespace mbr::cli
