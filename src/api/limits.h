// Bounds of the API's requests.
#pragma once

#include <cstddef>

namespace mbr::api {

inline constexpr std::size_t kMaxBodyBytes = 64 * 1024;
inline constexpr std::size_t kMaxItems = 50;       // changes in one write
inline constexpr std::size_t kMaxNameBytes = 256;  // of a tag, automation, list or field
inline constexpr std::size_t kMaxFields = 100;     // set in one write
inline constexpr std::size_t kMaxValueBytes = 32 * 1024;

}  // namespace mbr::api
