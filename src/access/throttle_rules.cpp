#include "access/throttle_rules.h"

#include <algorithm>

namespace mbr::access {
namespace {

struct Rule {
  int from;  // failures
  Milliseconds first;
  Milliseconds most;  // reached by doubling with each further failure
};

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Milliseconds kLongestWait = minutes{15};
constexpr Rule kPair{5, seconds{1}, kLongestWait};
constexpr Rule kAddress{50, seconds{1}, kLongestWait};
constexpr Rule kAccount{100, seconds{60}, seconds{60}};
constexpr Rule kAccountAlone{20, seconds{10}, seconds{10}};

Milliseconds delayAfter(const Rule& rule, int failures) {
  Milliseconds delay = rule.first;
  for (int i = rule.from; i < failures && delay < rule.most; ++i) delay *= 2;
  return std::min(delay, rule.most);
}

Milliseconds wait(const Rule& rule, const Tally& tally, Instant now) {
  const Tally counted = asOf(tally, now);
  if (counted.lastAt - now > kLongestWait) return Milliseconds{0};  // the clock was set back
  const Instant free = counted.lastAt + delayAfter(rule, counted.failures);
  return counted.failures < rule.from ? Milliseconds{0} : std::max(free - now, Milliseconds{0});
}

}  // namespace

Tally asOf(const Tally& tally, Instant now) {
  if (tally.failures <= 0 || now - tally.firstAt >= kThrottleWindow) return {};
  return tally;
}

Tally withFailure(const Tally& tally, Instant now) {
  const Tally known = asOf(tally, now);
  const Instant first = known.failures == 0 ? now : std::min(known.firstAt, now);
  return {known.failures + 1, first, now};
}

Milliseconds waitFor(const Tallies& tallies, Instant now) {
  if (!tallies.pair || !tallies.address) return wait(kAccountAlone, tallies.account, now);
  const Milliseconds pair = wait(kPair, *tallies.pair, now);
  if (tallies.knownPair) return pair;
  return std::max(
      {pair, wait(kAddress, *tallies.address, now), wait(kAccount, tallies.account, now)});
}

}  // namespace mbr::access
