// Names that an operator gives to codes and keys. Private to this room.
#pragma once

#include <string_view>

#include "base/result.h"

namespace mbr::access {

// 1 to 64 letters, digits, dots, dashes and underscores. Errors: kInvalid.
Outcome checkName(std::string_view name);

}  // namespace mbr::access
