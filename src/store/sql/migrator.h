// Brings a database file to the schema of this release.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

struct Migration {
  int version;
  const char* name;
  const char* script;
};

// By version, from 1 without a hole. Compiled in from migrations/sqlite/.
const std::vector<Migration>& sqliteMigrations();

// The number of the last migration that the file has; 0: an empty one. Throws Failed.
// Errors: kConflict (made by another program).
Result<std::int64_t> schemaOf(Connection& db);

// Applies what is missing, each in one transaction together with its row in `migration`, and sets
// meta.installed_at once. Two processes may do it at the same time. Throws Failed.
// Errors: kConflict (made by a newer release, or by another program).
Outcome migrate(Connection& db, Instant now);

}  // namespace mbr::store::sql
