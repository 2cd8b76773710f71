#include "app/job_run.h"

#include <utility>

namespace mbr::app {
namespace {

// A job that was put off for no longer than this has not failed; its import is under way, say.
constexpr std::chrono::seconds kPutOff{10};

}  // namespace

JobRun::JobRun(Workbench& bench, const std::vector<JobId>& jobs) : bench_(bench) {
  for (const JobId id : jobs) open_.push_back({id, std::nullopt});
}

Result<JobRun::Progress> JobRun::look() {
  Progress progress = ended_;
  std::vector<Followed> open;
  std::string openReason;
  const Outcome read = bench_.store->read([&](store::Reader& reader) -> Outcome {
    for (Followed each : open_) {
      const auto job = reader.findJob(each.id);
      if (!job) continue;
      if (!isOpen(job->state)) {
        ++(job->state == JobState::kDone ? progress.done : progress.failed);
        if (!job->reason.empty()) progress.reason = job->reason;
        continue;
      }
      if (!job->reason.empty()) openReason = job->reason;
      if (!each.attempts) each.attempts = job->attempts;
      if (isNear(reader, *job, each.attempts)) ++progress.near;
      open.push_back(each);
    }
    return Done{};
  });
  if (!read) return read.error();
  open_ = std::move(open);
  ended_ = progress;
  ended_.near = 0;
  progress.open = open_.size();
  if (!openReason.empty()) progress.reason = openReason;

  // Not before the tries of each were counted.
  const SteadyInstant now = bench_.clock.steady();
  if (!outbound_ && !stopped_ && now - lookedAt_ >= StandIn::kLookEvery) {
    lookedAt_ = now;
    if (const Outcome begun = workHere(); !begun) return begun.error();
  }
  return progress;
}

// Unless a daemon runs.
Outcome JobRun::workHere() {
  if (open_.empty()) return Done{};
  auto standIn = StandIn::begin(*bench_.store, bench_.config);
  if (!standIn) return standIn.error();
  if (*standIn == nullptr) return Done{};
  standIn_ = std::move(standIn).value();
  outbound_ = std::make_unique<Outbound>(bench_.ground());
  std::vector<JobId> jobs;
  for (const Followed& each : open_) jobs.push_back(each.id);
  outbound_->dispatcher.startWith(jobs);
  return Done{};
}

void JobRun::stop() {
  stopped_ = true;
  outbound_.reset();
  standIn_.reset();
}

// `attempts`: of its tries, those that are no news; nothing if all are.
bool JobRun::isNear(store::Reader& reader, const Job& job, std::optional<int> attempts) const {
  const Instant now = bench_.clock.now();
  switch (job.state) {
    case JobState::kRunning:
      return true;
    case JobState::kWaiting: {
      const auto before = reader.findJob(job.after);
      return before && isOpen(before->state) && isNear(reader, *before, std::nullopt);
    }
    default:
      if (job.dueAt <= now) return true;
      return job.dueAt <= now + kPutOff && (job.attempts <= attempts.value_or(0));
  }
}

}  // namespace mbr::app
