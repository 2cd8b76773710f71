// A clock that moves only when a test moves it.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace mbr::test {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Instant start = Instant{std::chrono::seconds{1700000000}})
      : ms_(toEpochMs(start)) {}

  Instant now() const override { return fromEpochMs(ms_.load()); }
  SteadyInstant steady() const override { return SteadyInstant{Milliseconds{ms_.load()}}; }

  void advance(Milliseconds by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_;
};

}  // namespace mbr::test
