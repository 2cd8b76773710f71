#include "cli/job_watch.h"

#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <thread>

#include "app/process_lock.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace mbr::cli {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr Milliseconds kLookEvery{100};

struct JobsEnded {
  std::int64_t done = 0;
  std::int64_t failed = 0;  // refused or given up
  std::int64_t open = 0;    // the service goes on with them
  std::string reason;       // of one that failed, or failed a try
};

// How they are now; `left` counts those that may still end soon.
JobsEnded look(store::Store& store, Instant now, const std::vector<JobId>& jobs,
               std::int64_t& left) {
  JobsEnded ended;
  left = 0;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    for (const JobId id : jobs) {
      const auto job = reader.findJob(id);
      if (!job) continue;
      if (isOpen(job->state)) {
        ++ended.open;
        const bool failedOnce =
            job->state == JobState::kQueued && !job->reason.empty() && job->dueAt > now;
        if (!failedOnce) ++left;
      } else if (job->state == JobState::kDone) {
        ++ended.done;
      } else {
        ++ended.failed;
      }
      if (!job->reason.empty()) ended.reason = job->reason;
    }
    return Done{};
  });
  if (!read) throw Failure(read.error());
  return ended;
}

JobsEnded follow(store::Store& store, const Clock& clock, const std::vector<JobId>& jobs,
                 bool daemonRuns, bool quiet) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const SteadyInstant end = clock.steady() + kPatience;
  std::int64_t left = 0;
  JobsEnded ended = look(store, clock.now(), jobs, left);
  while (daemonRuns && left > 0 && clock.steady() < end) {
    if (terminal && !quiet) {
      std::cerr << '\r' << jobs.size() - static_cast<std::size_t>(ended.open) << " of "
                << jobs.size() << " jobs have ended\x1b[K" << std::flush;
    }
    std::this_thread::sleep_for(kLookEvery);
    ended = look(store, clock.now(), jobs, left);
  }
  if (terminal && !quiet && daemonRuns) std::cerr << "\r\x1b[K" << std::flush;
  return ended;
}

int report(const std::vector<JobId>& jobs, const JobsEnded& ended, bool daemonRuns, bool asJson) {
  if (asJson) {
    json::Array ids;
    for (const JobId id : jobs) ids.emplace_back(std::to_string(id));
    printJson(json::Object{{"jobs", std::move(ids)},
                           {"done", ended.done},
                           {"failed", ended.failed},
                           {"open", ended.open},
                           {"reason", ended.reason},
                           {"daemon", daemonRuns}});
  } else {
    std::cout << ended.done << " done, " << ended.failed << " failed, " << ended.open
              << (daemonRuns ? " left to the service" : " wait until the service runs");
    if (!ended.reason.empty()) std::cout << " (" << ended.reason << ')';
    std::cout << '\n';
  }
  return ended.failed == 0 ? kOk : kNegative;
}

}  // namespace

int followJobs(const Workplace& place, const std::vector<JobId>& jobs, bool asJson) {
  const bool daemon = app::ProcessLock::isHeld(app::ProcessLock::pathFor(place.config.storePath));
  const JobsEnded ended = follow(*place.store, place.clock, jobs, daemon, asJson);
  return report(jobs, ended, daemon, asJson);
}

}  // namespace mbr::cli
