// Instants as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace mbr {

// RFC 3339 in UTC with milliseconds: 2026-01-31T09:30:00.000Z.
std::string formatRfc3339(Instant instant);

// Reads an ISO 8601 time with an offset or Z, seconds or finer, as ActiveCampaign and RFC 3339
// write it: 2021-03-23T06:04:43-05:00. Without an offset the text says no instant: nothing.
std::optional<Instant> parseIso8601(std::string_view text);

}  // namespace mbr
