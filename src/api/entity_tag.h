// Conditional requests (RFC 9110, section 13).
#pragma once

#include <string_view>

namespace mbr::api {

// True if `ifNoneMatch`, a list of entity tags or "*", names `etag` (strong, quoted). Compared
// weakly, as the RFC asks for this header: W/"x" matches "x".
bool namesEntityTag(std::string_view ifNoneMatch, std::string_view etag);

}  // namespace mbr::api
