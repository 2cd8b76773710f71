#include "store/sql/history_queries.h"

#include <string>

namespace mbr::store::sql {
namespace {

HistoryRow readRow(Row& row) {
  HistoryRow read;
  read.series = row.text();
  read.at = row.instant();
  read.value = row.real();
  return read;
}

// One seek for each, however many rows they have.
std::vector<std::string> seriesNames(Connection& db) {
  std::vector<std::string> names;
  db.query(
      "WITH RECURSIVE known(name) AS (SELECT min(series) FROM history UNION ALL "
      "SELECT (SELECT min(series) FROM history WHERE series > name) FROM known "
      "WHERE name IS NOT NULL) SELECT name FROM known WHERE name IS NOT NULL",
      {}, [&](Row& row) { names.push_back(row.text()); });
  return names;
}

}  // namespace

std::optional<HistoryRow> findHistory(Connection& db, std::string_view series, Instant at) {
  std::optional<HistoryRow> found;
  db.query(
      "SELECT series, at, value FROM history WHERE series = ?1 AND at <= ?2 "
      "ORDER BY at DESC LIMIT 1",
      {series, at}, [&](Row& row) { found = readRow(row); });
  return found;
}

std::vector<HistoryRow> readHistory(Connection& db, std::string_view series, Instant since,
                                    Milliseconds step) {
  std::vector<HistoryRow> rows;
  // Beside max() SQLite takes the other columns from the row that has the greatest value.
  db.query(
      "SELECT series, max(at), value FROM history WHERE series = ?1 AND at >= ?2 "
      "GROUP BY at / ?3 ORDER BY at / ?3",
      {series, since, step.count()}, [&](Row& row) { rows.push_back(readRow(row)); });
  return rows;
}

void addHistory(Connection& db, const std::vector<HistoryRow>& rows) {
  for (const HistoryRow& row : rows) {
    db.run("INSERT OR REPLACE INTO history (series, at, value) VALUES (?1, ?2, ?3)",
           {row.series, row.at, row.value});
  }
}

void thinHistory(Connection& db, Instant from, Instant to, Milliseconds step) {
  for (const std::string& series : seriesNames(db)) {
    db.run(
        "DELETE FROM history WHERE series = ?1 AND at >= ?2 AND at < ?3 AND at NOT IN "
        "(SELECT max(at) FROM history WHERE series = ?1 AND at >= ?2 AND at < ?3 GROUP BY at / ?4)",
        {series, from, to, step.count()});
  }
}

void pruneHistory(Connection& db, Instant before) {
  for (const std::string& series : seriesNames(db)) {
    db.run("DELETE FROM history WHERE series = ?1 AND at < ?2", {series, before});
  }
}

}  // namespace mbr::store::sql
