#include "api/job_json.h"

#include <string>

#include "base/time_format.h"
#include "members/job_payload.h"

namespace mbr::api {
namespace {

bool isChange(const Job& job) {
  return job.kind == members::kChangeJob || job.kind == members::kLastLoginJob;
}

// A contact that a change was to find or make is known to its payload alone.
std::optional<ContactId> contactOf(const Job& job) {
  if (job.contactId || !isChange(job)) return job.contactId;
  const auto change = members::readChangePayload(job.payload);
  if (!change || change->contactId == 0) return std::nullopt;
  return change->contactId;
}

}  // namespace

json::Array resultsOf(const Job& job) {
  if (!isChange(job) || job.result.empty()) return {};
  const auto parsed = json::parse(job.result);
  const json::Array* results = parsed ? parsed->asArray() : nullptr;
  return results == nullptr ? json::Array{} : *results;
}

json::Object renderJob(const Job& job) {
  const auto contact = contactOf(job);
  return {{"id", std::to_string(job.id)},
          {"kind", job.kind},
          {"state", toString(job.state)},
          {"contact_id", contact ? json::Value(std::to_string(*contact)) : nullptr},
          {"attempts", job.attempts},
          {"created_at", formatRfc3339(job.createdAt)},
          {"due_at", isOpen(job.state) ? json::Value(formatRfc3339(job.dueAt)) : nullptr},
          {"reason", job.reason},
          {"results", resultsOf(job)}};
}

std::string jobPath(JobId job) { return "/membergate/v1/jobs/" + std::to_string(job); }

}  // namespace mbr::api
