// Bytes as text: hexadecimal, base64url and percent-encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mbr {

std::string toHex(std::string_view bytes);  // lower-case
std::optional<std::string> fromHex(std::string_view text);

// RFC 4648 section 5, without padding.
std::string toBase64Url(std::string_view bytes);
std::optional<std::string> fromBase64Url(std::string_view text);

// RFC 3986: everything but unreserved characters becomes %XX.
std::string percentEncode(std::string_view bytes);

// Decodes %XX; with `plusIsSpace` also the `+` of form encoding. Nothing for a broken escape.
std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace);

}  // namespace mbr
