// What the status page draws over time.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace mbr::pages {

// Names of series, as the page's script knows them. Those that count say how much came in a span of
// time; those that measure say how it was at its end.
namespace series {
inline constexpr const char* kReceived = "webhooks.received";  // counts
inline constexpr const char* kShed = "webhooks.shed";          // counts: nginx' notes
inline constexpr const char* kRepaired = "webhooks.repaired";  // counts: changes that passes found
inline constexpr const char* kRequests = "requests.sent";      // counts: to ActiveCampaign
inline constexpr const char* kTooMany = "requests.too_many";   // counts: answered 429
inline constexpr const char* kLogins = "logins.";              // and the result: counts
inline constexpr const char* kMedian = "logins.p50";           // measures, in seconds
inline constexpr const char* kSlowest = "logins.p99";          // measures, in seconds
inline constexpr const char* kQueue = "queue.";                // and the lane: measures open jobs
inline constexpr const char* kGaps = "gaps.open";              // measures
inline constexpr const char* kDead = "jobs.dead";              // measures
}  // namespace series

// The results of logins, as the metric has them.
inline constexpr const char* kLoginResults[] = {"admitted",  "wrong", "not_entitled",
                                                "throttled", "busy",  "unavailable"};

// How far back the page looks, and how finely.
struct Span {
  const char* name;  // "24h"
  std::chrono::minutes length;
  std::chrono::minutes step;
};
inline constexpr Span kSpans[] = {{"3h", std::chrono::hours{3}, std::chrono::minutes{1}},
                                  {"24h", std::chrono::hours{24}, std::chrono::minutes{10}},
                                  {"7d", std::chrono::hours{7 * 24}, std::chrono::hours{1}},
                                  {"90d", std::chrono::hours{90 * 24}, std::chrono::hours{12}}};
inline constexpr const Span& kUsualSpan = kSpans[1];

// One number for each step; nothing where nothing is known, since the daemon was not there.
using Line = std::vector<std::optional<double>>;

struct StatusHistory {
  Instant from{};                     // where the first step begins
  Milliseconds step{};                // each begins where the one before ends
  std::map<std::string, Line> lines;  // by series, all of the same length
};

// What came in a span of time, by series that count; p50 and p99 if there were logins.
using Totals = std::map<std::string, double>;

}  // namespace mbr::pages
