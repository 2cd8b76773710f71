#include "outbox/chosen_jobs.h"

namespace mbr::outbox {
namespace {

// From one look at a job that another one keeps from being claimed to the next.
constexpr Milliseconds kLookEvery{200};

// A batch is looked for among so many.
constexpr int kMostLooked = 1000;

}  // namespace

ChosenJobs::ChosenJobs(const std::vector<JobId>& jobs) {
  for (const JobId id : jobs) open_.emplace(id, Instant{});
}

std::vector<Job> ChosenJobs::claim(store::Transaction& tx, Instant leaseUntil) {
  const Instant now = tx.now();
  for (auto next = open_.begin(); next != open_.end();) {
    const auto at = next++;
    if (at->second > now) continue;
    const auto job = tx.findJob(at->first);
    if (!job || !isOpen(job->state)) {
      open_.erase(at);
      continue;
    }
    const bool waits = job->state == JobState::kQueued && job->dueAt > now;
    at->second = waits ? job->dueAt : now + kLookEvery;
    if (waits) continue;
    if (auto claimed = claim(tx, *job, leaseUntil)) return {*std::move(claimed)};
  }
  return {};
}

// One that is due, runs, or waits for another.
std::optional<Job> ChosenJobs::claim(store::Transaction& tx, Job job, Instant leaseUntil) {
  if (job.state == JobState::kRunning) {
    if (job.leaseUntil > tx.now()) return std::nullopt;
    job.state = next(job.state, JobEvent::kLeaseEnded).value();
    if (!tx.saveJob(job)) return std::nullopt;
  }
  if (job.state == JobState::kQueued) {
    if (auto claimed = tx.claimJob(job.id, leaseUntil)) return claimed;
  }
  addThoseBefore(tx, job);
  return std::nullopt;
}

void ChosenJobs::addThoseBefore(store::Transaction& tx, const Job& job) {
  if (job.after != 0) open_.emplace(job.after, Instant{});
  if (!job.contactId) return;
  for (const Job& other : tx.listOpenJobsOf(*job.contactId)) {
    if (other.kind == job.kind && other.id < job.id) open_.emplace(other.id, Instant{});
  }
}

std::vector<Job> ChosenJobs::listDue(store::Transaction& tx, std::string_view kind, Instant due,
                                     int limit) const {
  std::vector<Job> jobs;
  int looked = 0;
  for (const auto& [id, at] : open_) {
    if (static_cast<int>(jobs.size()) >= limit || ++looked > kMostLooked) break;
    auto job = tx.findJob(id);
    if (!job || job->state != JobState::kQueued) continue;
    if (job->kind == kind && job->dueAt <= due) jobs.push_back(*std::move(job));
  }
  return jobs;
}

}  // namespace mbr::outbox
