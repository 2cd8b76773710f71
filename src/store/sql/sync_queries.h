// What may have been missed: gaps, the sweeps that make up for them, contacts that a sweep missed.
#pragma once

#include "domain/gap.h"
#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::vector<Gap> listOpenGaps(Connection& db);
std::vector<Gap> listGaps(Connection& db, int limit);
void openGap(Connection& db, ChangeLog& log, std::string_view why, Instant from, Instant to,
             bool full, Instant now);

std::optional<Sweep> findRunningSweep(Connection& db);
std::optional<Sweep> findSweep(Connection& db, std::int64_t id);
std::vector<Sweep> listSweeps(Connection& db, int limit);
std::int64_t addSweep(Connection& db, ChangeLog& log, const Sweep& sweep, Instant now);
bool saveSweep(Connection& db, ChangeLog& log, const Sweep& sweep, Instant now);
void releaseSweep(Connection& db);

std::int64_t countAbsent(Connection& db);
void addAbsent(Connection& db, const std::vector<ContactId>& contacts);
std::vector<ContactId> takeAbsent(Connection& db, int limit);
void clearAbsent(Connection& db);

// At most `limit` closed gaps and as many ended sweeps; the newest of each stays, so that no id
// comes twice.
void purgeSweeps(Connection& db, Instant before, int limit);

}  // namespace mbr::store::sql
