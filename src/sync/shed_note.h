// What nginx writes of a webhook that did not reach the daemon.
//
// One datagram each: a syslog header, then the JSON of log_format membergate_shed in
// nginx/conf.d/membergate.conf. Pure functions and values; nothing of a sender or a contact is
// kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace mbr::sync {

struct ShedNote {
  enum class Kind {
    kShed,
    kForeign,     // says of itself that it is about something else
    kUnreadable,  // something was shed, and that is all it tells
  };
  Kind kind = Kind::kUnreadable;
  std::optional<Instant> at;  // nginx's clock
  std::string_view status;    // of what the caller was answered; from the datagram, or "other"
};

// A datagram that was cut off is read as far as it goes.
ShedNote readShedNote(std::string_view datagram);

// A note's time further off than this is a mistake, and counts as the time of reading.
inline constexpr std::chrono::hours kShedTimeOff{24};

// The notes that no commit holds yet, as one range of time.
struct ShedTally {
  std::int64_t notes = 0;
  std::optional<Instant> from;
  std::optional<Instant> to;

  bool empty() const { return !from; }

  // A note read at `now`. The range begins 1 s before its time and goes on until `now`: nginx drops
  // notes while the socket's queue is full, and all of those are older than the reading.
  void add(const ShedNote& note, Instant now);
  void cover(Instant first, Instant last);
  void merge(const ShedTally& other);
};

}  // namespace mbr::sync
