#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <thread>

#include "app/job_run.h"
#include "app/sync_run.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace mbr::cli {
namespace {

using Progress = app::SyncRun::Progress;
using Seconds = std::chrono::duration<double>;

constexpr Milliseconds kLookEvery{200};
constexpr std::chrono::seconds kLineEvery{10};    // where no terminal is
constexpr std::chrono::minutes kPatience{1};      // with an ActiveCampaign that does not answer
constexpr std::chrono::minutes kJobPatience{15};  // with the contacts that are read by their id

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string timeText(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

// How far a pass is: on a terminal one line that is written over, otherwise a line now and then.
// Goes to stderr; the answer alone goes to stdout.
class Display {
 public:
  explicit Display(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~Display() {
    if (open_) std::cerr << '\n';
  }

  void show(const Progress& progress) {
    const SteadyInstant now = std::chrono::steady_clock::now();
    if (quiet_ || (!terminal_ && now - shownAt_ < kLineEvery)) return;
    shownAt_ = now;
    const std::string line = text(progress, now);
    if (terminal_) {
      std::cerr << '\r' << line << "\x1b[K" << std::flush;
      open_ = true;
    } else {
      std::cerr << line << '\n';
    }
  }

 private:
  std::string text(const Progress& progress, SteadyInstant now) {
    if (!progress.sweep) return "waiting for the pass that is under way";
    const Sweep& sweep = *progress.sweep;
    if (!sweep.reason.empty()) return "waiting: " + sweep.reason;
    if (seenAtFirst_ < 0) {
      seenAtFirst_ = sweep.seen;
      firstAt_ = now;
    }
    std::string line = grouped(sweep.seen);
    if (sweep.expected > 0) line += " of " + grouped(std::max(sweep.expected, sweep.seen));
    line += " contacts";
    const double took = Seconds(now - firstAt_).count();
    const double rate = took > 1 ? static_cast<double>(sweep.seen - seenAtFirst_) / took : 0;
    if (sweep.expected > 0) {
      const auto percent = std::min<std::int64_t>(100, 100 * sweep.seen / sweep.expected);
      line += ", " + std::to_string(percent) + " %";
    }
    if (rate > 0) {
      line += ", " + grouped(std::llround(rate)) + "/s";
      const double left = static_cast<double>(sweep.expected - sweep.seen) / rate;
      if (left > 0) line += ", " + timeText(left) + " left";
    }
    return line;
  }

  const bool quiet_;
  const bool terminal_;
  bool open_ = false;
  SteadyInstant shownAt_{};
  SteadyInstant firstAt_{};
  std::int64_t seenAtFirst_ = -1;
};

Progress follow(app::SyncRun& run, Display& display) {
  SteadyInstant answeredAt = std::chrono::steady_clock::now();
  while (true) {
    const auto progress = run.look();
    if (!progress) throw Failure(progress.error());
    if (progress->done) return *progress;
    const SteadyInstant now = std::chrono::steady_clock::now();
    const bool waits = progress->sweep && !progress->sweep->reason.empty();
    if (!waits) answeredAt = now;
    if (now - answeredAt > kPatience) {
      throw Failure(kTryLater, "ActiveCampaign does not answer (" + progress->sweep->reason +
                                   "); the service goes on when it does");
    }
    display.show(*progress);
    std::this_thread::sleep_for(kLookEvery);
  }
}

int confirm(const Arguments& arguments, app::Workbench& bench, app::SyncRun& sync) {
  const auto jobs = sync.confirmDeletions();
  if (!jobs) throw Failure(jobs.error());
  app::JobRun run(bench, *jobs);
  const SteadyInstant patience = std::chrono::steady_clock::now() + kJobPatience;
  auto progress = run.look();
  while (progress && progress->near > 0 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(kLookEvery);
    progress = run.look();
  }
  run.stop();
  progress = run.look();
  if (!progress) throw Failure(progress.error());
  const auto total = static_cast<std::int64_t>(jobs->size());
  const auto left = static_cast<std::int64_t>(progress->open);
  if (arguments.json) {
    printJson(json::Object{{"contacts", total}, {"waiting", left}});
  } else {
    std::cout << grouped(total - left) << " missing contacts were read by their id; those that "
              << "ActiveCampaign no longer has are marked deleted.\n";
    if (left > 0) std::cout << grouped(left) << " more are read by the service when it runs.\n";
  }
  return kOk;
}

}  // namespace

int syncContacts(const Arguments& arguments) {
  if (arguments.full && arguments.confirmDeletions) {
    throw Failure(kUsage, "--full and --confirm-deletions are two commands");
  }
  const auto bench = openBench(arguments);
  app::SyncRun run(*bench);
  if (arguments.confirmDeletions) return confirm(arguments, *bench, run);

  const SteadyInstant begun = std::chrono::steady_clock::now();
  if (const Outcome asked = run.ask(arguments.full); !asked) throw Failure(asked.error());
  Progress end;
  {
    Display display(arguments.json);
    end = follow(run, display);
  }
  const Sweep sweep = end.sweep.value_or(Sweep{});
  const double seconds = Seconds(std::chrono::steady_clock::now() - begun).count();
  if (arguments.json) {
    printJson(json::Object{{"full", sweep.full},
                           {"contacts", sweep.seen},
                           {"differed", sweep.differed},
                           {"calls", sweep.calls},
                           {"seconds", std::round(seconds * 1000) / 1000},
                           {"suspended", end.suspended}});
  } else {
    std::cout << grouped(sweep.seen) << " contacts read in " << grouped(sweep.calls) << " calls, "
              << grouped(sweep.differed) << " differed, " << timeText(seconds) << ".\n";
  }
  if (end.suspended == 0) return kOk;
  warn(grouped(end.suspended) +
       " contacts are missing in ActiveCampaign at once, so none was marked deleted; if that is "
       "right: membergate sync --confirm-deletions");
  return kNegative;
}

}  // namespace mbr::cli
