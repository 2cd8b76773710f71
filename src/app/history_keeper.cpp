#include "app/history_keeper.h"

#include <algorithm>
#include <array>
#include <vector>

#include "app/history_view.h"
#include "base/time_format.h"
#include "domain/job.h"
#include "ops/metrics.h"
#include "pages/status_series.h"

namespace mbr::app {
namespace {

namespace series = pages::series;

constexpr std::chrono::minutes kCoarseStep{15};
constexpr std::chrono::hours kKeepFine{2 * 24};
constexpr std::chrono::hours kKeep{90 * 24};
constexpr std::chrono::hours kMostAtOnce{24};

// Rows before that instant have been thinned.
constexpr const char* kThinnedTo = "history.thinned_to";

// What this process has counted since it began.
std::map<std::string, double> countedHere() {
  std::map<std::string, double> counts{
      {series::kReceived, ops::counted("membergate_deliveries_total")},
      {series::kShed, ops::counted("membergate_shed_notes_total")},
      {series::kRepaired,
       ops::counted("membergate_reconcile_contacts_total", {{"result", "changed"}})},
      {series::kRequests, ops::counted("membergate_ac_requests_total")},
      {series::kTooMany, ops::counted("membergate_ac_429_total")}};
  for (const char* result : pages::kLoginResults) {
    counts[std::string(series::kLogins) + result] =
        ops::counted("membergate_logins_total", {{"result", result}});
  }
  for (const auto& bucket : ops::observed("membergate_login_seconds")) {
    counts[loginsWithin(bucket.upTo)] = static_cast<double>(bucket.seen);
  }
  return counts;
}

std::vector<store::HistoryRow> measured(store::Reader& reader, Instant at) {
  std::array<double, kLaneCount> open{};
  double dead = 0;
  for (const store::JobCounts& row : reader.countJobs()) {
    const bool isDead = row.state == static_cast<int>(JobState::kDead);
    (isDead ? dead : open.at(static_cast<std::size_t>(row.lane))) += static_cast<double>(row.count);
  }
  std::vector<store::HistoryRow> rows{
      {series::kDead, at, dead},
      {series::kGaps, at, static_cast<double>(reader.listOpenGaps().size())}};
  for (int lane = 0; lane < kLaneCount; ++lane) {
    rows.push_back({series::kQueue + std::string(toString(static_cast<Lane>(lane))), at,
                    open[static_cast<std::size_t>(lane)]});
  }
  return rows;
}

}  // namespace

Outcome HistoryKeeper::collect() {
  const auto counts = countedHere();
  const Outcome written = store_.write([&](store::Transaction& tx) -> Outcome {
    const Instant at = std::chrono::floor<std::chrono::minutes>(tx.now());
    auto rows = measured(tx, at);
    for (const auto& [name, count] : counts) {
      // The newest row, even of a clock that was ahead: totals must not fall.
      const auto last = tx.findHistory(name, Instant::max());
      const auto known = written_.find(name);
      const double isNew = count - (known == written_.end() ? 0 : known->second);
      rows.push_back({name, at, (last ? last->value : 0) + isNew});
    }
    tx.addHistory(rows);
    return Done{};
  });
  if (written) written_ = counts;
  return written;
}

Outcome HistoryKeeper::prune() {
  return store_.write([](store::Transaction& tx) -> Outcome {
    const Instant fineFrom{
        std::chrono::floor<std::chrono::hours>((tx.now() - kKeepFine).time_since_epoch())};
    const auto thinned = parseIso8601(tx.findMeta(kThinnedTo).value_or(""));
    const Instant from = std::min(thinned.value_or(fineFrom), fineFrom);
    const Instant to = std::min(fineFrom, from + kMostAtOnce);
    if (from < to) tx.thinHistory(from, to, kCoarseStep);
    if (!thinned || *thinned != to) tx.setMeta(kThinnedTo, formatRfc3339(to));
    tx.pruneHistory(tx.now() - kKeep);
    return Done{};
  });
}

}  // namespace mbr::app
