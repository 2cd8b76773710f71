#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::int64_t firstChangeId(Connection& db) { return db.integer("SELECT min(id) FROM change"); }

std::int64_t lastChangeId(Connection& db) { return db.integer("SELECT max(id) FROM change"); }

namespace {

Change readChange(Row& row) {
  Change change;
  change.id = row.integer();
  change.kind = static_cast<ChangeKind>(row.integer());
  change.ref = row.integer();
  change.at = row.instant();
  return change;
}

}  // namespace

std::vector<Change> changesAfter(Connection& db, std::int64_t id, int limit) {
  std::vector<Change> changes;
  db.query("SELECT id, kind, ref, at FROM change WHERE id > ?1 ORDER BY id LIMIT ?2", {id, limit},
           [&](Row& row) { changes.push_back(readChange(row)); });
  return changes;
}

std::vector<Change> listChangesOf(Connection& db, ContactId contact, int limit) {
  std::vector<Change> changes;
  db.query(
      "SELECT id, kind, ref, at FROM change WHERE ref = ?1 AND kind IN (?2, ?3, ?4) "
      "ORDER BY id DESC LIMIT ?5",
      {contact, ChangeKind::kContact, ChangeKind::kCredential, ChangeKind::kSession, limit},
      [&](Row& row) { changes.push_back(readChange(row)); });
  return changes;
}

void ChangeLog::add(ChangeKind kind, std::int64_t ref, Instant at) {
  db_.run("INSERT INTO change (id, kind, ref, at) VALUES (?1, ?2, ?3, ?4)",
          {last_ + 1, kind, ref, at});
  ++last_;
  added_.push_back({last_, kind, ref, at});
}

void ChangeLog::truncate(std::size_t size) {
  last_ -= static_cast<std::int64_t>(added_.size() - size);
  added_.resize(size);
}

}  // namespace mbr::store::sql
