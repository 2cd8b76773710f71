// What the room needs to be told. Filled by config.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"

namespace mbr::sync {

// The event webhook that this installation keeps registered in ActiveCampaign.
struct HookOptions {
  bool wanted = false;    // webhooks.mode = events; else one of ours is removed
  std::string publicUrl;  // "https://example.com", without a slash at its end; empty = not known
  std::vector<std::string> events = {"subscribe", "unsubscribe", "update", "contact_tag_added",
                                     "contact_tag_removed"};
  std::vector<std::string> sources = {"public", "admin", "api", "system"};
};

struct SweepOptions {
  Milliseconds interval = std::chrono::minutes{15};  // between passes over what changed
  // What a pass asks for again before the newest change that was seen. Used whole at start and once
  // a day; else kShortOverlap does, once the account's filter is shown to be finer than a day.
  Milliseconds overlap = std::chrono::hours{24};
  Milliseconds fullEvery = std::chrono::hours{7 * 24};  // between passes over all contacts
};
inline constexpr std::chrono::minutes kShortOverlap{15};

}  // namespace mbr::sync
