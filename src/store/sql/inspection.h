// A look at the database file itself, for those who set up and repair.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace mbr::store::sql {

struct FileReport {
  std::int64_t schema = 0;    // of the file; 0: an empty one
  std::int64_t newest = 0;    // the one that this release makes
  std::int64_t bytes = 0;     // of the file
  std::int64_t walBytes = 0;  // of what is not yet moved into it
  std::string damage;         // what a check found, in SQLite's words; empty: nothing
};

// Opens an existing file beside whoever works on it and changes nothing that is in it. `thorough`
// also reads all of it to find damage: some seconds for a large one.
// Errors: kNotFound (no such file), kDenied (no access), kInvalid (not a database, or too damaged
// to be read), kConflict (another program's), kUnavailable (disk; with `retryAfter` if another
// process holds the file).
Result<FileReport> inspect(const std::string& path, bool thorough,
                           Milliseconds busyTimeout = Milliseconds{5000});

}  // namespace mbr::store::sql
