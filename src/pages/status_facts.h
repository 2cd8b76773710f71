// The numbers of the status page as text, each with a name, for its HTML and for its script alike.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "pages/layout.h"
#include "pages/status_board.h"
#include "pages/texts.h"

namespace mbr::pages {

struct Fact {
  std::string text;  // not HTML
  bool isTime = false;
  std::optional<Instant> time{};  // the script shows it in the reader's time zone
};
using Facts = std::map<std::string, Fact>;

// Names: what a StatusBoard's member is called ("contacts"), "lane." + lane + "." + state, and
// "hour.", "day." or "week." + series.
Facts factsOf(const StatusBoard& board, const Layout& layout);

// What a look at the page is for. The words in the HTML are there all the time; these are shown.
struct Concern {
  const char* name;
  Text sentence;
  bool isGood;
};
inline constexpr Concern kConcerns[] = {{"well", Text::kStatusWell, true},
                                        {"down", Text::kStatusDown, false},
                                        {"refused", Text::kStatusRefused, false},
                                        {"missing", Text::kStatusMissing, false},
                                        {"given_up", Text::kStatusGivenUp, false}};
std::vector<std::string_view> concernsOf(const StatusBoard& board);

// {"from","step": milliseconds, "limit": requests a second,"series":{name:[number or null]},
// "facts":{name:text or RFC 3339 time},"concerns":[name]}
json::Object statusData(const StatusBoard& board, const StatusHistory& history,
                        const Layout& layout);

// 2026-01-31 09:30 UTC
std::string readableTime(Instant instant);

}  // namespace mbr::pages
