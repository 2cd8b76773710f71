#include "app/status.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/time_format.h"

namespace mbr::app {
namespace {

json::Value timeOrNull(const std::optional<Instant>& instant) {
  return instant ? json::Value(formatRfc3339(*instant)) : json::Value();
}

json::Value render(const std::vector<Sweep>& sweeps) {
  if (sweeps.empty()) return {};
  const Sweep& sweep = sweeps.front();
  return json::Object{
      {"id", std::to_string(sweep.id)},        {"full", sweep.full},
      {"state", toString(sweep.state)},        {"started_at", formatRfc3339(sweep.startedAt)},
      {"ended_at", timeOrNull(sweep.endedAt)}, {"contacts_seen", sweep.seen},
      {"contacts_expected", sweep.expected}};
}

json::Array render(const std::vector<store::JobCounts>& counts) {
  json::Array rows;
  for (const store::JobCounts& row : counts) {
    rows.push_back(json::Object{{"lane", toString(static_cast<Lane>(row.lane))},
                                {"state", toString(static_cast<JobState>(row.state))},
                                {"count", row.count}});
  }
  return rows;
}

}  // namespace

Result<json::Object> Status::read() const {
  std::vector<store::JobCounts> jobs;
  std::vector<Sweep> sweeps;
  std::size_t gaps = 0;
  store::BudgetRecord budget;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    jobs = reader.countJobs();
    sweeps = reader.listSweeps(1);
    gaps = reader.listOpenGaps().size();
    budget = reader.loadBudget();
    return Done{};
  });
  if (!read) return read.error();

  const Instant now = clock_.now();
  const bool frozen = budget.frozenUntil > now;
  const auto recent = std::count_if(budget.sends.begin(), budget.sends.end(), [&](Instant send) {
    return send > now - std::chrono::milliseconds{1100};
  });
  const bool refused = breaker_.account() == activecampaign::AccountState::kRefused;
  const std::string_view state = refused ? "refused" : breaker_.open() ? "down" : "working";
  json::Object account{
      {"state", state},
      {"budget", json::Object{{"requests_per_second", rate_},
                              {"recent_requests", static_cast<std::int64_t>(recent)},
                              {"frozen_until", timeOrNull(frozen ? std::optional(budget.frozenUntil)
                                                                 : std::nullopt)}}}};
  return json::Object{{"version", MBR_VERSION},
                      {"started_at", formatRfc3339(startedAt_)},
                      {"store", json::Object{{"state", "ok"}}},
                      {"activecampaign", std::move(account)},
                      {"jobs", render(jobs)},
                      {"gaps_open", static_cast<std::int64_t>(gaps)},
                      {"last_sweep", render(sweeps)},
                      {"contacts", contacts_.load()}};
}

void Status::count() {
  std::int64_t contacts = 0;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    contacts = reader.countContacts();
    return Done{};
  });
  if (read) contacts_ = contacts;
}

}  // namespace mbr::app
