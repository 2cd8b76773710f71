// The pages' own addresses.
#pragma once

namespace mbr::pages {

inline constexpr const char* kLoginPath = "/membergate/login";
inline constexpr const char* kLogoutPath = "/membergate/logout";
inline constexpr const char* kResetPath = "/membergate/reset";
inline constexpr const char* kLinkPath = "/membergate/link";

}  // namespace mbr::pages
