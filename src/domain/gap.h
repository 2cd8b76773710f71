// Times in which news from ActiveCampaign may have been missed, and the sweeps that make up for
// them. A gap says "read what changed since then", never "these contacts".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/ids.h"

namespace mbr {

// Why a gap was opened; what the operator sees.
namespace gap_reason {
inline constexpr const char* kStart = "start";        // the daemon was away
inline constexpr const char* kShed = "shed";          // nginx turned a webhook away
inline constexpr const char* kStore = "store";        // a webhook was answered 503
inline constexpr const char* kHook = "hook";          // the event webhook was missing
inline constexpr const char* kInterval = "interval";  // nothing is known to be missing
inline constexpr const char* kFullDue = "full_due";   // the time for a full sweep has come
inline constexpr const char* kOperator = "operator";
inline constexpr const char* kOperatorFull = "operator_full";
}  // namespace gap_reason

enum class GapState {
  kOpen = 0,     // one for each reason: further events widen it
  kWorking = 1,  // a sweep that began after it was last widened works it off
  kClosed = 2,
};
std::string_view toString(GapState state);

struct Gap {
  std::int64_t id = 0;
  std::string why;
  bool full = false;  // asks for a full sweep
  Instant from{};     // news since then may be missing
  Instant to{};       // until then
  Instant openedAt{};
  GapState state = GapState::kOpen;
  std::int64_t sweep = 0;  // the sweep that works or worked it off
  std::optional<Instant> closedAt;
};

enum class SweepState { kRunning = 0, kDone = 1, kGivenUp = 2 };
std::string_view toString(SweepState state);

// One pass over the account's contacts in the order of their ids. Its row is written with every
// page, so it goes on where it was when the process that worked on it ended.
struct Sweep {
  std::int64_t id = 0;
  bool full = false;             // all contacts; else those with a `udate` since `since`
  std::optional<Instant> since;  // none for a full one
  Instant startedAt{};
  ContactId lastId = 0;           // pages up to this id are in the store
  std::optional<Instant> newest;  // greatest udate seen
  std::int64_t calls = 0;
  std::int64_t seen = 0;      // contacts
  std::int64_t differed = 0;  // of them, those that the cache had otherwise
  std::int64_t expected = 0;  // how many contacts ActiveCampaign said there would be; 0: unknown
  SweepState state = SweepState::kRunning;
  std::string holder;    // the process that works on it
  Instant leaseUntil{};  // then another one may take it over
  std::string reason;    // why it was given up, or waits
  std::optional<Instant> endedAt;
};

}  // namespace mbr
