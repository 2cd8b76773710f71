// UTF-8 as RFC 3629 defines it.
#pragma once

#include <string_view>

namespace mbr {

// False for overlong forms, surrogates, values above U+10FFFF and cut sequences.
bool isValidUtf8(std::string_view text);

// True if `text` holds a byte below 0x20 or 0x7f.
bool hasControlCharacter(std::string_view text);

}  // namespace mbr
