#include "members/replay.h"

#include <algorithm>
#include <iostream>
#include <vector>

#include "base/time_format.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/job_watch.h"
#include "cli/output.h"
#include "config/values.h"
#include "members/tombstones.h"

namespace mbr::cli {
namespace {

constexpr int kMostAtOnce = 20000;

Instant readTime(const char* option, const std::string& text, Instant now) {
  if (const auto at = parseIso8601(text)) return *at;
  if (const auto age = config::parseDuration(text)) return now - *age;
  throw Failure(kUsage, std::string(option) +
                            ": expected a time with an offset (2026-01-31T09:30:00Z) or an age "
                            "(30m, 2h, 3d), not `" +
                            text + "`");
}

struct Span {
  std::optional<Instant> since;
  std::optional<Instant> until;
};

// The oldest first.
std::vector<store::DeliveryRecord> find(store::Store& store, const Arguments& arguments,
                                        const Span& span) {
  std::vector<store::DeliveryRecord> found;
  const store::DeliveryQuery query{arguments.delivery, std::nullopt, "", span.since};
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    found = reader.searchDeliveries(query, kMostAtOnce + 1);
    return Done{};
  });
  if (!read) throw Failure(read.error());
  if (found.size() > static_cast<std::size_t>(kMostAtOnce)) {
    throw Failure(kUsage,
                  "more than " + std::to_string(kMostAtOnce) +
                      " deliveries at once; say a later --since, then go back with --until");
  }
  std::reverse(found.begin(), found.end());
  if (span.until) {
    found.erase(std::remove_if(found.begin(), found.end(),
                               [&](const auto& each) { return each.receivedAt > *span.until; }),
                found.end());
  }
  return found;
}

// The jobs of all of them, in one commit; what cannot be replayed is counted.
std::vector<JobId> queue(app::Workbench& bench,
                         const std::vector<store::DeliveryRecord>& deliveries, std::int64_t& left) {
  const members::Tombstones tombstones(bench.keys);
  std::vector<JobId> jobs;
  const Outcome written = bench.store->write([&](store::Transaction& tx) -> Outcome {
    for (const store::DeliveryRecord& delivery : deliveries) {
      const auto replayed = members::replayDelivery(tx, delivery, tombstones);
      if (!replayed && deliveries.size() == 1) return replayed.error();
      if (!replayed) {
        ++left;
        continue;
      }
      jobs.push_back(replayed->refresh);
      if (replayed->followUp) jobs.push_back(*replayed->followUp);
    }
    tx.addAudit({tx.now(), "cli", "replayed", std::nullopt,
                 std::to_string(deliveries.size()) + " deliveries", ""});
    return Done{};
  });
  if (!written) throw Failure(written.error());
  std::sort(jobs.begin(), jobs.end());
  jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
  return jobs;
}

}  // namespace

int replay(const Arguments& arguments) {
  if (arguments.delivery.has_value() == arguments.since.has_value() ||
      (arguments.until && !arguments.since)) {
    throw Failure(kUsage, "replay: expected either the id of a delivery or --since TIME");
  }
  const Instant now = SystemClock().now();
  Span span;
  if (arguments.since) span.since = readTime("--since", *arguments.since, now);
  if (arguments.until) span.until = readTime("--until", *arguments.until, now);

  const JobWatch watch;
  const auto bench = openBench(arguments);
  const auto deliveries = find(*bench->store, arguments, span);
  if (deliveries.empty()) {
    throw Failure(kNegative, arguments.delivery
                                 ? "there is no delivery " + std::to_string(*arguments.delivery) +
                                       " (they are kept for 30 days)"
                                 : "no delivery came in that time");
  }
  std::int64_t left = 0;
  const auto jobs = queue(*bench, deliveries, left);
  if (left > 0)
    warn(std::to_string(left) + " deliveries name nobody, or a contact that was erased");
  return watch.follow(*bench, jobs, arguments.json);
}

}  // namespace mbr::cli
