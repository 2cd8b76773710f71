#include "app/status.h"
#include "base/json_time.h"

#include <iostream>
#include <vector>

#include "app/process_lock.h"
#include "base/time_format.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"

namespace mbr::cli {
namespace {

struct Seen {
  app::StoreStatus store;
  std::vector<Gap> gaps;
  std::int64_t contacts = 0;
  std::optional<Instant> lastGenpass;
  std::optional<Instant> lastEvent;
};

Seen look(Workplace& place) {
  Seen seen;
  const Outcome read = place.store->read([&](store::Reader& reader) -> Outcome {
    seen.store = app::readStoreStatus(reader, place.clock.now(), place.config.activecampaign.rate);
    seen.gaps = reader.listOpenGaps();
    seen.contacts = reader.countContacts();
    seen.lastGenpass = reader.lastDeliveryAt("mbr_genpass");
    seen.lastEvent = reader.lastDeliveryAt("events");
    return Done{};
  });
  if (!read) throw Failure(read.error());
  return seen;
}

json::Object jsonOf(const Seen& seen, bool daemon, std::optional<pid_t> pid) {
  json::Array gaps;
  for (const Gap& gap : seen.gaps) {
    gaps.emplace_back(json::Object{{"why", gap.why},
                                   {"state", toString(gap.state)},
                                   {"from", timeOrNull(gap.from)},
                                   {"opened_at", timeOrNull(gap.openedAt)}});
  }
  return {{"version", MBR_VERSION},
          {"daemon", json::Object{{"running", daemon},
                                  {"pid", pid ? json::Value(static_cast<std::int64_t>(*pid))
                                              : json::Value()}}},
          {"activecampaign", json::Object{{"budget", seen.store.budget}}},
          {"jobs", seen.store.jobs},
          {"gaps_open", seen.store.gapsOpen},
          {"gaps", std::move(gaps)},
          {"last_sweep", seen.store.lastSweep},
          {"contacts", seen.contacts},
          {"last_deliveries", json::Object{{"mbr_genpass", timeOrNull(seen.lastGenpass)},
                                           {"events", timeOrNull(seen.lastEvent)}}}};
}

std::string sweepText(const json::Value& sweep, Instant now) {
  if (sweep.isNull()) return "none";
  const bool* full = sweep["full"].asBool();
  const std::string what = full != nullptr && *full ? "of all contacts, " : "of changes, ";
  return what + sweep["state"].textOr("") + ", " + sweep["contacts_seen"].textOr("0") +
         " contacts, began " + timeText(parseIso8601(sweep["started_at"].textOr("")), now);
}

void print(const Seen& seen, bool daemon, std::optional<pid_t> pid, Instant now) {
  const auto orNone = [](const std::string& text) { return text.empty() ? "none" : text; };
  std::vector<std::vector<std::string>> rows{
      {"service", painted(daemon ? Tone::kGood : Tone::kBad, daemon ? "runs" : "does not run") +
                      (pid ? ", pid " + std::to_string(*pid) : "")},
      {"contacts", std::to_string(seen.contacts)},
      {"last mbr_genpass", orNone(timeText(seen.lastGenpass, now))},
      {"last event", orNone(timeText(seen.lastEvent, now))},
      {"last pass", sweepText(seen.store.lastSweep, now)},
  };
  const json::Value frozen = json::Value(seen.store.budget)["frozen_until"];
  if (!frozen.isNull()) rows.push_back({"requests", "frozen until " + frozen.textOr("")});
  for (const Gap& gap : seen.gaps) {
    rows.push_back({"gap", gap.why + ", " + std::string(toString(gap.state)) + ", since " +
                               timeText(gap.from, now)});
  }
  for (const json::Value& row : seen.store.jobs) {
    const std::string state = row["state"].textOr("");
    rows.push_back({"jobs", row["count"].textOr("0") + " " +
                                painted(state == "dead" ? Tone::kBad : Tone::kPlain, state) +
                                " in lane " + row["lane"].textOr("")});
  }
  printTable({"WHAT", "HOW"}, rows);
}

}  // namespace

int status(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  const std::string lock = app::ProcessLock::pathFor(place.config.storePath);
  const bool daemon = app::ProcessLock::isHeld(lock);
  const auto pid = app::ProcessLock::holderOf(lock);
  const Seen seen = look(place);
  if (arguments.json) {
    printJson(jsonOf(seen, daemon, pid));
  } else {
    print(seen, daemon, pid, place.clock.now());
  }
  return daemon ? kOk : kNegative;
}

}  // namespace mbr::cli
