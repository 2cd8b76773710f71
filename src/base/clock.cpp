#include "base/clock.h"

namespace mbr {

Instant SystemClock::now() const {
  return std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
}

SteadyInstant SystemClock::steady() const { return std::chrono::steady_clock::now(); }

}  // namespace mbr
