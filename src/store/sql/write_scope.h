#pragma once

#include "store/sql/connection.h"

namespace mbr::store::sql {

// BEGIN IMMEDIATE, and ROLLBACK on every way out that did not commit. Poco's own begin() is
// deferred, so that a read followed by a write fails beside another writer.
class WriteScope {
 public:
  explicit WriteScope(Connection& db) : db_(db) { db_.run("BEGIN IMMEDIATE"); }
  ~WriteScope() { rollback(db_); }
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;

  void commit() { db_.run("COMMIT"); }

  static void rollback(Connection& db) noexcept {
    if (!db.inTransaction()) return;
    try {
      db.run("ROLLBACK");
    } catch (const Failed&) {
      // The connection still says that it is in a transaction; its owner drops it.
    }
  }

 private:
  Connection& db_;
};

}  // namespace mbr::store::sql
