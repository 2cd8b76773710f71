// The feed of changes, as the transaction that writes it sees it.
#pragma once

#include <vector>

#include "store/records.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

std::int64_t firstChangeId(Connection& db);
std::int64_t lastChangeId(Connection& db);
std::vector<Change> changesAfter(Connection& db, std::int64_t id, int limit);
// Those of the contact itself, its credential and its sessions, newest first.
std::vector<Change> listChangesOf(Connection& db, ContactId contact, int limit);

// Numbers and writes the changes of one group of commits. One thread at a time.
class ChangeLog {
 public:
  // `last`: the id of the newest row. Nobody else may write while this log does.
  ChangeLog(Connection& db, std::int64_t last) : db_(db), last_(last) {}

  void add(ChangeKind kind, std::int64_t ref, Instant at);

  // For a savepoint: how many there are, and forgetting those that came later.
  std::size_t size() const { return added_.size(); }
  void truncate(std::size_t size);

  std::int64_t last() const { return last_; }
  std::vector<Change> take() { return std::move(added_); }

 private:
  Connection& db_;
  std::int64_t last_;
  std::vector<Change> added_;
};

}  // namespace mbr::store::sql
