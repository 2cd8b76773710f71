// Series of numbers over time. Each call reads the rows that it is about and no others.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "store/records.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

std::optional<HistoryRow> findHistory(Connection& db, std::string_view series, Instant at);
std::vector<HistoryRow> readHistory(Connection& db, std::string_view series, Instant since,
                                    Milliseconds step);
void addHistory(Connection& db, const std::vector<HistoryRow>& rows);
void thinHistory(Connection& db, Instant from, Instant to, Milliseconds step);
void pruneHistory(Connection& db, Instant before);

}  // namespace mbr::store::sql
