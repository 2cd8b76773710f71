// The files that the configuration names. Private to this room.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace mbr::config {

struct File {
  std::string text;
  mode_t mode = 0;  // permission bits
};

// Errors: kDenied (not readable by this user), kInvalid (none, no regular file, longer than
// `maxBytes`, not readable otherwise); `detail` says what was expected and quotes no text.
Result<File> readFile(const std::string& path, std::size_t maxBytes);

// As readFile(); also kInvalid if others than owner and group have a right on the file.
Result<Secret> readSecretFile(const std::string& path);

}  // namespace mbr::config
