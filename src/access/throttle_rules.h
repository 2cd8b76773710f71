// How failed logins slow further tries down. Pure: same arguments, same answer.
//
// Four rules count failures since the first one of the last 24 h, then begin anew:
//   pair     account and address   from the 5th    1 s, doubling, at most 15 min
//   address  (/64 for IPv6)        from the 50th   1 s, doubling, at most 15 min
//   account  over all addresses    from the 100th  one try per 60 s
//   account  without an address    from the 20th   one try per 10 s; the only rule then
// A pair that logged in within 30 days is exempt from the rules of its address and of its account,
// so an attack on an account does not lock its owner out.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace mbr::access {

inline constexpr std::chrono::hours kThrottleWindow{24};
inline constexpr std::chrono::hours kKnownPairLife{30 * 24};

// Failures of one account, address or pair.
struct Tally {
  int failures = 0;
  Instant firstAt{};  // meaningless without failures
  Instant lastAt{};
};

// The tally as it counts at `now`: empty once its window has passed.
Tally asOf(const Tally& tally, Instant now);

// The tally after one more failure, that of a try begun at `now`.
Tally withFailure(const Tally& tally, Instant now);

// What concerns one try; the tallies may be of any age.
struct Tallies {
  std::optional<Tally> pair;     // absent without an address
  std::optional<Tally> address;  // absent without an address
  Tally account;
  bool knownPair = false;
};

// How long until another try is allowed; 0 = now. A last failure further ahead than the longest
// wait is from before the clock was set back and makes nobody wait.
Milliseconds waitFor(const Tallies& tallies, Instant now);

}  // namespace mbr::access
