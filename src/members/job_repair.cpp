#include "members/job_repair.h"

#include <optional>
#include <string>

#include "domain/credential.h"
#include "domain/job.h"
#include "members/job_payload.h"

namespace mbr::members {
namespace {

std::string nameOf(const Job& job) { return "job " + std::to_string(job.id); }

Error conflict(const Job& job, const std::string& why) {
  return {Code::kConflict, nameOf(job) + " " + why};
}

Error unknown(JobId id) { return {Code::kNotFound, "there is no job " + std::to_string(id)}; }

void audit(store::Transaction& tx, const Job& job, std::string_view actor, const char* action) {
  tx.addAudit(
      {tx.now(), std::string(actor), action, job.contactId, nameOf(job) + " " + job.kind, ""});
}

// The text that a dead job had sealed is gone.
Outcome forgetLostPassword(store::Transaction& tx, Job& job) {
  auto payload = readPasswordPayload(job.payload);
  if (!payload) return conflict(job, "says nothing any more");
  using Wish = PasswordPayload::Wish;
  const auto credential = job.contactId ? tx.findCredential(*job.contactId) : std::nullopt;
  const bool chosenSince = credential && credential->origin == CredentialOrigin::kSet &&
                           credential->changedAt > job.createdAt;
  if (payload->confirmed || payload->wish == Wish::kCleared) return Done{};
  if (payload->wish == Wish::kChosen) {
    return conflict(job, "held a chosen password, which is gone; let it be set again");
  }
  if (chosenSince) return conflict(job, "is out of date: a password has been set since");
  if (payload->issued && credential && credential->origin == CredentialOrigin::kGenerated &&
      credential->changedAt >= job.createdAt) {
    tx.deleteCredential(*job.contactId);
  }
  payload->issued = payload->hasDefault = false;
  payload->import.clear();
  job.payload = write(*payload);
  return Done{};
}

Outcome revive(store::Transaction& tx, Job job) {
  if (job.payload.empty()) return conflict(job, "is of a contact that was erased");
  if (tx.findOpenJob(job.kind, job.key)) {
    return conflict(job, "is not needed: the same is open already");
  }
  job.state = JobState::kQueued;
  if (const auto before = job.after != 0 ? tx.findJob(job.after) : std::nullopt) {
    if (before->state == JobState::kDead || before->state == JobState::kDropped) {
      return conflict(job, "follows " + nameOf(*before) + ", which was given up; retry that first");
    }
    if (isOpen(before->state)) job.state = JobState::kWaiting;
  }
  if (job.kind == kPasswordJob) {
    if (const Outcome fit = forgetLostPassword(tx, job); !fit) return fit;
  }
  (void)tx.reviveJob(job);  // it is dead, and the only one of its key, in this very view
  return Done{};
}

}  // namespace

Outcome retryJob(store::Transaction& tx, JobId id, std::string_view actor) {
  auto job = tx.findJob(id);
  if (!job) return unknown(id);
  switch (job->state) {
    case JobState::kQueued:
      job->dueAt = tx.now();
      (void)tx.saveJob(*job);  // it is queued in this very view
      break;
    case JobState::kDead:
      if (const Outcome revived = revive(tx, *job); !revived) return revived;
      break;
    case JobState::kWaiting:
      return conflict(*job, "waits for job " + std::to_string(job->after));
    case JobState::kRunning:
      return conflict(*job, "is running");
    case JobState::kRefused:
      return conflict(*job, "was refused by ActiveCampaign: " + job->reason);
    case JobState::kDone:
    case JobState::kDropped:
      return conflict(*job, "has ended: " + std::string(toString(job->state)));
  }
  audit(tx, *job, actor, "job_retried");
  return Done{};
}

Outcome dropJob(store::Transaction& tx, JobId id, std::string_view actor) {
  auto job = tx.findJob(id);
  if (!job) return unknown(id);
  if (!isOpen(job->state)) {
    return conflict(*job, "has ended: " + std::string(toString(job->state)));
  }
  job->state = JobState::kDropped;
  job->reason = "dropped by the operator";
  job->sealed.clear();
  (void)tx.saveJob(*job);  // it is open in this very view
  audit(tx, *job, actor, "job_dropped");
  return Done{};
}

}  // namespace mbr::members
