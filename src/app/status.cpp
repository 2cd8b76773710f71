#include "app/status.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json_time.h"
#include "base/time_format.h"

namespace mbr::app {
namespace {

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

StoreStatus readStoreStatus(store::Reader& reader, Instant now, double rate) {
  const store::BudgetRecord budget = reader.loadBudget();
  const bool frozen = budget.frozenUntil > now;
  const auto recent = std::count_if(budget.sends.begin(), budget.sends.end(), [&](Instant send) {
    return send > now - std::chrono::milliseconds{1100};
  });
  StoreStatus status;
  status.jobs = render(reader.countJobs());
  status.lastSweep = render(reader.listSweeps(1));
  status.gapsOpen = static_cast<std::int64_t>(reader.listOpenGaps().size());
  status.budget = json::Object{
      {"requests_per_second", rate},
      {"recent_requests", static_cast<std::int64_t>(recent)},
      {"frozen_until", timeOrNull(frozen ? std::optional(budget.frozenUntil) : std::nullopt)}};
  return status;
}

Result<json::Object> Status::read() const {
  StoreStatus status;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    status = readStoreStatus(reader, clock_.now(), rate_);
    return Done{};
  });
  if (!read) return read.error();
  const bool refused = breaker_.account() == activecampaign::AccountState::kRefused;
  const std::string_view state = refused ? "refused" : breaker_.open() ? "down" : "working";
  return json::Object{
      {"version", MBR_VERSION},
      {"started_at", formatRfc3339(startedAt_)},
      {"store", json::Object{{"state", "ok"}}},
      {"activecampaign", json::Object{{"state", state}, {"budget", std::move(status.budget)}}},
      {"jobs", std::move(status.jobs)},
      {"gaps_open", status.gapsOpen},
      {"last_sweep", std::move(status.lastSweep)},
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
