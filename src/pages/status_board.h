// What the status page shows. Plain values: app fills them in, the page shows them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "domain/gap.h"
#include "domain/job.h"
#include "members/diagnosis.h"
#include "pages/status_series.h"

namespace mbr::pages {

// How the service does. Nothing in it is about a person.
struct StatusBoard {
  enum class Account { kWorks, kDown, kRefused };
  struct LaneJobs {
    std::int64_t waiting = 0;
    std::int64_t queued = 0;
    std::int64_t running = 0;
    std::int64_t dead = 0;
    std::int64_t open() const { return waiting + queued + running; }
  };

  std::string version;
  Instant startedAt{};
  Account account = Account::kWorks;
  std::optional<Instant> frozenUntil;  // ActiveCampaign asked for a pause
  double rate = 0;                     // requests a second that are allowed
  std::int64_t contacts = 0;
  std::optional<Instant> lastAutomation;  // the newest webhook of each kind
  std::optional<Instant> lastEvent;
  std::optional<Sweep> lastSweep;
  std::vector<Gap> gaps;  // open ones
  std::array<LaneJobs, kLaneCount> lanes;
  std::vector<Job> deadJobs;  // the newest
  Totals hour, day, week;     // what came in the last one
};

// What is kept of a contact, as far as it may be shown, and why its member cannot log in. One that
// is not known here may have left something all the same.
struct ContactFile {
  struct Entry {
    Instant at{};
    std::string kind;
    std::string what;
  };
  std::optional<json::Object> contact;  // as the REST API shows it
  bool deleted = false;
  bool hasPassword = false;
  members::Diagnosis diagnosis;
  std::vector<Entry> timeline;  // newest first
};

}  // namespace mbr::pages
