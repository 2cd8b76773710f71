// The pages' own addresses.
#pragma once

namespace mbr::pages {

inline constexpr const char* kLoginPath = "/membergate/login";
inline constexpr const char* kLogoutPath = "/membergate/logout";
inline constexpr const char* kResetPath = "/membergate/reset";
inline constexpr const char* kLinkPath = "/membergate/link";
inline constexpr const char* kStatusPath = "/membergate/status";
inline constexpr const char* kStatusLoginPath = "/membergate/status/login";
// nginx serves it from where libjs-chart.js puts it.
inline constexpr const char* kChartLibraryPath = "/membergate/status/chart.js";

}  // namespace mbr::pages
