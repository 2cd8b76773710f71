#include "store/sql/site_queries.h"

#include <algorithm>
#include <charconv>

namespace mbr::store::sql {
namespace {

struct DirectorySql {
  Sql list;
  Sql clear;
  Sql insert;
};

const DirectorySql& sqlOf(Directory directory) {
  static const DirectorySql kTags{"SELECT id, name FROM tag ORDER BY id", "DELETE FROM tag",
                                  "INSERT INTO tag (id, name) VALUES (?1, ?2)"};
  static const DirectorySql kAutomations{"SELECT id, name FROM automation ORDER BY id",
                                         "DELETE FROM automation",
                                         "INSERT INTO automation (id, name) VALUES (?1, ?2)"};
  static const DirectorySql kLists{"SELECT id, name FROM list ORDER BY id", "DELETE FROM list",
                                   "INSERT INTO list (id, name) VALUES (?1, ?2)"};
  switch (directory) {
    case Directory::kTags:
      return kTags;
    case Directory::kAutomations:
      return kAutomations;
    case Directory::kLists:
      return kLists;
  }
  return kTags;
}

bool sameRows(const std::vector<NamedId>& a, const std::vector<NamedId>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.id == y.id && x.name == y.name; });
}

bool sameRows(const std::vector<FieldRecord>& a, const std::vector<FieldRecord>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.id == y.id && x.perstag == y.perstag && x.title == y.title;
  });
}

// By id, each once.
template <class Record>
std::vector<Record> ordered(std::vector<Record> rows) {
  const auto byId = [](const Record& a, const Record& b) { return a.id < b.id; };
  const auto sameId = [](const Record& a, const Record& b) { return a.id == b.id; };
  std::stable_sort(rows.begin(), rows.end(), byId);
  rows.erase(std::unique(rows.begin(), rows.end(), sameId), rows.end());
  return rows;
}

std::string writeInstants(const std::vector<Instant>& instants) {
  std::string text;
  for (const Instant instant : instants) {
    if (!text.empty()) text.push_back(',');
    text += std::to_string(toEpochMs(instant));
  }
  return text;
}

std::vector<Instant> readInstants(const std::string& text) {
  std::vector<Instant> instants;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::int64_t ms = 0;
    const auto [stop, error] = std::from_chars(at, end, ms);
    if (error != std::errc()) break;
    instants.push_back(fromEpochMs(ms));
    at = stop + 1;
  }
  return instants;
}

}  // namespace

std::vector<NamedId> listDirectory(Connection& db, Directory directory) {
  std::vector<NamedId> rows;
  db.query(sqlOf(directory).list, {}, [&](Row& row) {
    NamedId named;
    named.id = row.integer();
    named.name = row.text();
    rows.push_back(std::move(named));
  });
  return rows;
}

void saveDirectory(Connection& db, ChangeLog& log, Directory directory,
                   const std::vector<NamedId>& rows, Instant now) {
  const std::vector<NamedId> wanted = ordered(rows);
  if (sameRows(listDirectory(db, directory), wanted)) return;
  db.run(sqlOf(directory).clear);
  for (const NamedId& row : wanted) db.run(sqlOf(directory).insert, {row.id, row.name});
  log.add(ChangeKind::kDirectory, 0, now);
}

std::vector<FieldRecord> listFields(Connection& db) {
  std::vector<FieldRecord> rows;
  db.query("SELECT id, perstag, title FROM field ORDER BY id", {}, [&](Row& row) {
    FieldRecord field;
    field.id = row.integer();
    field.perstag = row.text();
    field.title = row.text();
    rows.push_back(std::move(field));
  });
  return rows;
}

void saveFields(Connection& db, ChangeLog& log, const std::vector<FieldRecord>& rows, Instant now) {
  const std::vector<FieldRecord> wanted = ordered(rows);
  if (sameRows(listFields(db), wanted)) return;
  db.run("DELETE FROM field");
  for (const FieldRecord& row : wanted) {
    db.run("INSERT INTO field (id, perstag, title) VALUES (?1, ?2, ?3)",
           {row.id, row.perstag, row.title});
  }
  log.add(ChangeKind::kDirectory, 0, now);
}

BudgetRecord loadBudget(Connection& db) {
  BudgetRecord budget;
  db.query("SELECT sends, next_slot, frozen_until FROM budget WHERE id = 1", {}, [&](Row& row) {
    budget.sends = readInstants(row.text());
    budget.nextSlot = row.instant();
    budget.frozenUntil = row.instant();
  });
  return budget;
}

void saveBudget(Connection& db, const BudgetRecord& budget) {
  const std::string sends = writeInstants(budget.sends);
  db.run(
      "INSERT OR REPLACE INTO budget (id, sends, next_slot, frozen_until) VALUES (1, ?1, ?2, ?3)",
      {sends, budget.nextSlot, budget.frozenUntil});
}

std::optional<std::string> findMeta(Connection& db, std::string_view key) {
  std::optional<std::string> value;
  db.query("SELECT value FROM meta WHERE key = ?1", {key}, [&](Row& row) { value = row.text(); });
  return value;
}

void setMeta(Connection& db, std::string_view key, std::string_view value) {
  db.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", {key, value});
}

}  // namespace mbr::store::sql
