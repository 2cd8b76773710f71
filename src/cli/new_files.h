// Files and folders that init makes, taken back if it does not get to its end.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace mbr::cli {

// Functions throw Failure: kNegative if the name is taken, kNotPermitted, kUnreachable.
class NewFiles {
 public:
  NewFiles() = default;
  ~NewFiles();  // removes what was made, unless keep() was called
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;

  // Makes a folder and those above it; an existing one stays as it is.
  void makeFolder(const std::string& path, mode_t mode);

  // A new file with exactly this mode, on disk when the call returns.
  void write(const std::string& path, std::string_view text, mode_t mode);

  // Somebody else makes this file; it counts as ours.
  void expect(const std::string& path) { made_.push_back(path); }

  void keep() { made_.clear(); }

 private:
  std::vector<std::string> made_;
};

}  // namespace mbr::cli
