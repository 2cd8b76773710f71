// SHA-256 of what is random enough to need no key. Private to this room.
#pragma once

#include <string>
#include <string_view>

namespace mbr::access {

std::string sha256(std::string_view bytes);  // 32 bytes

}  // namespace mbr::access
