// Time as the service sees it, so that tests can move it by hand.
#pragma once

#include <chrono>
#include <cstdint>

namespace mbr {

using Milliseconds = std::chrono::milliseconds;

// Wall-clock time, as stored and shown: milliseconds since the Unix epoch.
using Instant = std::chrono::time_point<std::chrono::system_clock, Milliseconds>;

// Monotonic time, for deadlines within the process.
using SteadyInstant = std::chrono::steady_clock::time_point;

inline std::int64_t toEpochMs(Instant instant) { return instant.time_since_epoch().count(); }
inline Instant fromEpochMs(std::int64_t ms) { return Instant{Milliseconds{ms}}; }

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual SteadyInstant steady() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  SteadyInstant steady() const override;
};

}  // namespace mbr
