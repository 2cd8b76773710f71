// Reading and replacing the key file. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace mbr::passwords {

// The whole file, at most 64 KiB.
// Errors: kNotFound, kDenied (not readable, or mode gives others a right), kInvalid (no regular
// file, too large), kUnavailable.
Result<Secret> readKeyFile(const std::string& path);

// Errors: kConflict (exists), kUnavailable.
Outcome createKeyFile(const std::string& path, std::string_view text);

// Writes a file beside `path` and renames it over it, with the owner and group of the old one.
// Errors: kUnavailable; the old file is then untouched.
Outcome replaceKeyFile(const std::string& path, std::string_view text);

}  // namespace mbr::passwords
