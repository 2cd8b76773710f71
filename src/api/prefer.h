// The Prefer header (RFC 7240): how long a caller is willing to wait.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mbr::api {

inline constexpr std::chrono::seconds kDefaultWait{2};
inline constexpr std::chrono::seconds kLongestWait{8};

// The `wait` preference in whole seconds, at most kLongestWait; nothing if there is none or it is
// not a number. The first one counts.
std::optional<std::chrono::seconds> preferredWait(std::string_view prefer);

}  // namespace mbr::api
