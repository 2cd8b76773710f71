#include "store/sql/migrator.h"

#include "store/sql/write_scope.h"

namespace mbr::store::sql {
namespace {

bool hasTable(Connection& db, std::string_view name) {
  return db.integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
                    {name}) != 0;
}

std::int64_t versionOf(Connection& db) {
  if (!hasTable(db, "migration")) return 0;
  return db.integer("SELECT max(version) FROM migration");
}

void apply(Connection& db, const Migration& migration, Instant now) {
  WriteScope scope(db);
  if (!hasTable(db, "migration")) {
    db.run("CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT, applied_at INTEGER)");
  }
  if (versionOf(db) < migration.version) {  // not done by another process meanwhile
    db.runScript(migration.script);
    db.run("INSERT INTO migration (version, name, applied_at) VALUES (?1, ?2, ?3)",
           {migration.version, std::string_view(migration.name), now});
    db.run("INSERT OR IGNORE INTO meta (key, value) VALUES ('installed_at', ?1)",
           {std::string_view(std::to_string(toEpochMs(now)))});
  }
  scope.commit();
}

}  // namespace

Result<std::int64_t> schemaOf(Connection& db) {
  // In this order: another process may be creating the tables, all of them in one commit.
  const bool empty = db.integer("SELECT count(*) FROM sqlite_master") == 0;
  const std::int64_t version = versionOf(db);
  if (!empty && version == 0) {
    return Error{Code::kConflict, "store: the file is a database of another program"};
  }
  return version;
}

Outcome migrate(Connection& db, Instant now) {
  const auto& migrations = sqliteMigrations();
  const auto schema = schemaOf(db);
  if (!schema) return schema.error();
  const std::int64_t version = *schema;
  if (version > static_cast<std::int64_t>(migrations.size())) {
    return Error{Code::kConflict, "store: made by a newer release (schema " +
                                      std::to_string(version) + ", this one knows " +
                                      std::to_string(migrations.size()) + ")"};
  }
  for (const Migration& migration : migrations) {
    if (migration.version > version) apply(db, migration, now);
  }
  return Done{};
}

}  // namespace mbr::store::sql
