#include "cli/job_watch.h"

#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include "app/job_run.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "ops/signals.h"

namespace mbr::cli {
namespace {

using Progress = app::JobRun::Progress;

constexpr std::chrono::seconds kPatience{30};
constexpr Milliseconds kLookEvery{100};

Progress look(app::JobRun& run) {
  auto progress = run.look();
  if (!progress) throw Failure(progress.error());
  return std::move(progress).value();
}

// One line on a terminal that is written over, and gone at the end.
class Display {
 public:
  explicit Display(bool quiet) : shows_(!quiet && ::isatty(STDERR_FILENO) == 1) {}
  ~Display() {
    if (shows_) std::cerr << "\r\x1b[K" << std::flush;
  }
  void show(const Progress& progress) const {
    if (!shows_) return;
    const std::size_t ended = progress.done + progress.failed;
    std::cerr << '\r' << ended << " of " << ended + progress.open << " jobs have ended\x1b[K"
              << std::flush;
  }

 private:
  const bool shows_;
};

// The signal that ended it before its time.
std::optional<int> await(app::JobRun& run, const sigset_t& signals, bool quiet) {
  const Display display(quiet);
  const SteadyInstant end = std::chrono::steady_clock::now() + kPatience;
  Progress progress = look(run);
  while (progress.near > 0 && std::chrono::steady_clock::now() < end) {
    display.show(progress);
    if (const auto signal = ops::waitForStop(signals, kLookEvery)) return signal;
    progress = look(run);
  }
  return std::nullopt;
}

void report(const std::vector<JobId>& jobs, const Progress& progress, bool daemonRuns,
            bool asJson) {
  if (asJson) {
    json::Array ids;
    for (const JobId id : jobs) ids.emplace_back(std::to_string(id));
    printJson(json::Object{{"jobs", std::move(ids)},
                           {"done", static_cast<std::int64_t>(progress.done)},
                           {"failed", static_cast<std::int64_t>(progress.failed)},
                           {"open", static_cast<std::int64_t>(progress.open)},
                           {"reason", progress.reason},
                           {"daemon", daemonRuns}});
    return;
  }
  std::cout << progress.done << " done, " << progress.failed << " failed, " << progress.open
            << (daemonRuns ? " left to the service" : " wait until the service runs");
  if (!progress.reason.empty()) std::cout << " (" << progress.reason << ')';
  std::cout << '\n';
}

}  // namespace

JobWatch::JobWatch() : signals_(ops::blockStopSignals()) {}

int JobWatch::follow(app::Workbench& bench, const std::vector<JobId>& jobs, bool asJson) const {
  app::JobRun run(bench, jobs);
  const auto signal = await(run, signals_, asJson);
  run.stop();
  const Progress progress = look(run);
  report(jobs, progress, app::StandIn::daemonRuns(bench.config), asJson);
  if (signal) {
    std::cout.flush();
    ops::endBy(*signal);
  }
  return progress.failed == 0 ? kOk : kNegative;
}

}  // namespace mbr::cli
