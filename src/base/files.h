// What POSIX leaves to its callers about files.
#pragma once

#include <string>
#include <string_view>

namespace mbr {

// The folder that a file lies in: "/" for "/x", "." for a bare name.
std::string folderOf(const std::string& path);

// Writes the whole text, however often the system takes but a part of it. False if it fails, with
// errno telling why; part of the text may be written then.
bool writeAll(int fd, std::string_view text);

}  // namespace mbr
