#include "api/job_json.h"

#include <string>

#include "base/time_format.h"
#include "members/job_payload.h"

namespace mbr::api {

json::Array resultsOf(const Job& job) {
  if (job.kind != members::kChangeJob || job.result.empty()) return {};
  const auto parsed = json::parse(job.result);
  const json::Array* results = parsed ? parsed->asArray() : nullptr;
  return results == nullptr ? json::Array{} : *results;
}

json::Object renderJob(const Job& job) {
  return {{"id", std::to_string(job.id)},
          {"kind", job.kind},
          {"state", toString(job.state)},
          {"contact_id", job.contactId ? json::Value(std::to_string(*job.contactId)) : nullptr},
          {"attempts", job.attempts},
          {"created_at", formatRfc3339(job.createdAt)},
          {"due_at", isOpen(job.state) ? json::Value(formatRfc3339(job.dueAt)) : nullptr},
          {"reason", job.reason},
          {"results", resultsOf(job)}};
}

std::string jobPath(JobId job) { return "/membergate/v1/jobs/" + std::to_string(job); }

}  // namespace mbr::api
