// Values as text. Private to this room. Nothing for text that is not of that shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace mbr::config {

// A whole number of ms, s, m, h or d: 1500ms, 10s, 5m, 24h, 7d.
std::optional<Milliseconds> parseDuration(std::string_view text);
std::string formatDuration(Milliseconds duration);

// A whole number of B, KB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024).
std::optional<std::uint64_t> parseSize(std::string_view text);
std::string formatSize(std::uint64_t bytes);

// Requests per second: 4/s, 0.5/s, 100.
std::optional<double> parseRate(std::string_view text);

std::optional<std::int64_t> parseCount(std::string_view text);

// Items by comma, blanks around them dropped, empty ones skipped.
std::vector<std::string> parseList(std::string_view text);

// A personalization tag in upper case: letters, digits and underscores, at most 100.
std::optional<std::string> parsePerstag(std::string_view text);

// How many letters to add, drop or replace to get from one text to the other.
std::size_t editDistance(std::string_view a, std::string_view b);

}  // namespace mbr::config
