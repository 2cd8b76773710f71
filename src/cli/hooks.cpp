#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/joined.h"
#include "base/time_format.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/words.h"

namespace mbr::cli {
namespace {

// What ActiveCampaign refuses is no mistake on the command line.
[[noreturn]] void fail(const Error& error) {
  if (error.code == Code::kInvalid) {
    throw Failure(kNegative, "ActiveCampaign refuses the webhook: " + error.detail);
  }
  throw Failure(error);
}

std::string textOf(const std::optional<Instant>& instant) {
  return instant ? formatRfc3339(*instant) : "";
}

std::string idOf(const sync::HookReport& report) {
  return report.id == 0 ? "" : std::to_string(report.id);
}

json::Array arrayOf(const std::vector<std::string>& texts) {
  json::Array all;
  for (const std::string& text : texts) all.emplace_back(text);
  return all;
}

json::Object jsonOf(const sync::HookReport& report) {
  return {{"state", toString(report.state)},
          {"id", orNull(idOf(report))},
          {"url", orNull(report.url)},
          {"events", arrayOf(report.events)},
          {"last_check_at", orNull(textOf(report.checkedAt))}};
}

// What the store knows of the events that came.
struct Arrivals {
  std::optional<Instant> last;
  std::vector<Gap> gaps;
};

Arrivals readArrivals(store::Store& store) {
  Arrivals arrivals;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    arrivals.last = reader.lastDeliveryAt("events");
    arrivals.gaps = reader.listOpenGaps();
    return Done{};
  });
  if (!read) throw Failure(read.error());
  return arrivals;
}

void printStatus(const sync::HookReport& report, const Arrivals& arrivals) {
  std::vector<std::vector<std::string>> rows{
      {"state", std::string(toString(report.state))},
      {"id", idOf(report)},
      {"url", report.url},
      {"events", joined(report.events, ",")},
      {"wrong", report.what},
      {"last check", textOf(report.checkedAt)},
      {"last delivery", textOf(arrivals.last)},
  };
  for (const Gap& gap : arrivals.gaps) {
    rows.push_back({"gap", gap.why + " since " + formatRfc3339(gap.from) + ", " +
                               std::string(toString(gap.state))});
  }
  for (auto& row : rows) {
    if (row.back().empty()) row.back() = "-";
  }
  printTable({"EVENT WEBHOOK", ""}, rows);
}

void printStatusJson(const sync::HookReport& report, const Arrivals& arrivals) {
  json::Array gaps;
  for (const Gap& gap : arrivals.gaps) {
    gaps.emplace_back(json::Object{{"why", gap.why},
                                   {"from", formatRfc3339(gap.from)},
                                   {"to", formatRfc3339(gap.to)},
                                   {"state", toString(gap.state)}});
  }
  json::Object all = jsonOf(report);
  all.set("wrong", words(report.what));
  all.set("last_delivery_at", orNull(textOf(arrivals.last)));
  all.set("open_gaps", std::move(gaps));
  printJson(std::move(all));
}

}  // namespace

int hookStatus(const Arguments& arguments) {
  const auto bench = openBench(arguments);
  const auto report = bench->hookStatus();
  if (!report) fail(report.error());
  const Arrivals arrivals = readArrivals(*bench->store);
  if (arguments.json) {
    printStatusJson(*report, arrivals);
  } else {
    printStatus(*report, arrivals);
  }
  return report->state == sync::HookState::kRegistered ? kOk : kNegative;
}

int ensureHook(const Arguments& arguments) {
  const auto bench = openBench(arguments);
  if (!bench->config.hooks.wanted) {
    throw Failure(kUsage,
                  "webhooks.mode is automation, so no event webhook is wanted; set webhooks.mode = "
                  "events and webhooks.public_url first");
  }
  const auto report = bench->ensureHook(arguments.rotate);
  if (!report) fail(report.error());
  if (arguments.json) {
    json::Object all = jsonOf(*report);
    all.set("repaired", words(report->what));
    all.set("doubles_removed", report->doublesRemoved);
    printJson(std::move(all));
  } else if (outputIsTerminal()) {
    std::cout << "The event webhook " << report->id << " at " << report->url << " is "
              << (report->state == sync::HookState::kRegistered ? "registered, as it was"
                                                                : toString(report->state))
              << ".\n";
  }
  return kOk;
}

int removeHook(const Arguments& arguments) {
  const auto bench = openBench(arguments);
  const auto report = bench->removeHook();
  if (!report) fail(report.error());
  if (bench->config.hooks.wanted) {
    warn("webhooks.mode is events: a running service registers the webhook again");
  }
  if (arguments.json) {
    printJson(json::Object{{"state", toString(report->state)}, {"id", orNull(idOf(*report))}});
  } else if (outputIsTerminal()) {
    std::cout << (report->state == sync::HookState::kRemoved ? "The event webhook is removed.\n"
                                                             : "There was no event webhook.\n");
  }
  return kOk;
}

}  // namespace mbr::cli
