#include "store/sql/sync_queries.h"

#include "store/store.h"

namespace mbr::store::sql {
namespace {

#define MBR_GAP_COLUMNS "id, why, is_full, from_at, to_at, opened_at, state, sweep_id, closed_at"

Gap readGap(Row& row) {
  Gap gap;
  gap.id = row.integer();
  gap.why = row.text();
  gap.full = row.flag();
  gap.from = row.instant();
  gap.to = row.instant();
  gap.openedAt = row.instant();
  gap.state = static_cast<GapState>(row.integer());
  gap.sweep = row.integer();
  gap.closedAt = row.maybeInstant();
  return gap;
}

#define MBR_SWEEP_COLUMNS                                                                     \
  "id, is_full, since, started_at, last_id, newest, calls, seen, differed, expected, state, " \
  "holder, lease_until, reason, ended_at"

Sweep readSweep(Row& row) {
  Sweep sweep;
  sweep.id = row.integer();
  sweep.full = row.flag();
  sweep.since = row.maybeInstant();
  sweep.startedAt = row.instant();
  sweep.lastId = row.integer();
  sweep.newest = row.maybeInstant();
  sweep.calls = row.integer();
  sweep.seen = row.integer();
  sweep.differed = row.integer();
  sweep.expected = row.integer();
  sweep.state = static_cast<SweepState>(row.integer());
  sweep.holder = row.text();
  sweep.leaseUntil = row.instant();
  sweep.reason = row.text();
  sweep.endedAt = row.maybeInstant();
  return sweep;
}

}  // namespace

std::vector<Gap> listOpenGaps(Connection& db) {
  std::vector<Gap> gaps;
  db.query("SELECT " MBR_GAP_COLUMNS " FROM gap WHERE state IN (0, 1) ORDER BY id", {},
           [&](Row& row) { gaps.push_back(readGap(row)); });
  return gaps;
}

std::vector<Gap> listGaps(Connection& db, int limit) {
  std::vector<Gap> gaps;
  db.query("SELECT " MBR_GAP_COLUMNS " FROM gap ORDER BY id DESC LIMIT ?1", {limit},
           [&](Row& row) { gaps.push_back(readGap(row)); });
  return gaps;
}

void openGap(Connection& db, ChangeLog& log, std::string_view why, Instant from, Instant to,
             bool full, Instant now) {
  const std::int64_t id = db.integer(
      "INSERT INTO gap (why, is_full, from_at, to_at, opened_at, state, sweep_id) "
      "VALUES (?1, ?2, ?3, ?4, ?5, 0, 0) ON CONFLICT (why) WHERE state = 0 DO UPDATE SET "
      "is_full = max(is_full, excluded.is_full), from_at = min(from_at, excluded.from_at), "
      "to_at = max(to_at, excluded.to_at) RETURNING id",
      {why, full, from, to, now});
  log.add(ChangeKind::kGap, id, now);
}

std::optional<Sweep> findRunningSweep(Connection& db) {
  std::optional<Sweep> found;
  db.query("SELECT " MBR_SWEEP_COLUMNS " FROM sweep WHERE state = 0", {},
           [&](Row& row) { found = readSweep(row); });
  return found;
}

std::optional<Sweep> findSweep(Connection& db, std::int64_t id) {
  std::optional<Sweep> found;
  db.query("SELECT " MBR_SWEEP_COLUMNS " FROM sweep WHERE id = ?1", {id},
           [&](Row& row) { found = readSweep(row); });
  return found;
}

std::vector<Sweep> listSweeps(Connection& db, int limit) {
  std::vector<Sweep> sweeps;
  db.query("SELECT " MBR_SWEEP_COLUMNS " FROM sweep ORDER BY id DESC LIMIT ?1", {limit},
           [&](Row& row) { sweeps.push_back(readSweep(row)); });
  return sweeps;
}

std::int64_t addSweep(Connection& db, ChangeLog& log, const Sweep& sweep, Instant now) {
  const std::int64_t running = db.integer("SELECT id FROM sweep WHERE state = 0");
  if (running != 0) {
    throw Failed(
        Error{Code::kInternal, "store: sweep " + std::to_string(running) + " is still running"});
  }
  const std::int64_t id = db.integer(
      "INSERT INTO sweep (is_full, since, started_at, last_id, newest, calls, seen, differed, "
      "expected, state, holder, lease_until, reason) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12) RETURNING id",
      {sweep.full, sweep.since, sweep.startedAt, sweep.lastId, sweep.newest, sweep.calls,
       sweep.seen, sweep.differed, sweep.expected, sweep.holder, sweep.leaseUntil, sweep.reason});
  // No other sweep is running, so whatever is still worked on was given up.
  db.run("UPDATE gap SET state = 1, sweep_id = ?1 WHERE state IN (0, 1)", {id});
  log.add(ChangeKind::kGap, 0, now);
  return id;
}

bool saveSweep(Connection& db, ChangeLog& log, const Sweep& sweep, Instant now) {
  const bool ended = sweep.state != SweepState::kRunning;
  const auto endedAt = ended ? std::optional(sweep.endedAt.value_or(now)) : std::nullopt;
  const std::size_t saved = db.run(
      "UPDATE sweep SET is_full = ?2, since = ?3, started_at = ?4, last_id = ?5, newest = ?6, "
      "calls = ?7, seen = ?8, differed = ?9, expected = ?10, state = ?11, holder = ?12, "
      "lease_until = ?13, reason = ?14, ended_at = ?15 "
      "WHERE id = ?1 AND state = 0 AND (holder IN (?12, '') OR lease_until <= ?16)",
      {sweep.id, sweep.full, sweep.since, sweep.startedAt, sweep.lastId, sweep.newest, sweep.calls,
       sweep.seen, sweep.differed, sweep.expected, sweep.state, sweep.holder, sweep.leaseUntil,
       sweep.reason, endedAt, now});
  if (saved == 0) return false;
  if (!ended) return true;
  if (sweep.state == SweepState::kDone) {
    db.run("UPDATE gap SET state = 2, closed_at = ?2 WHERE state = 1 AND sweep_id = ?1",
           {sweep.id, now});
  }
  log.add(ChangeKind::kGap, 0, now);
  return true;
}

void releaseSweep(Connection& db) {
  db.run("UPDATE sweep SET holder = '', lease_until = 0 WHERE state = 0");
}

std::int64_t countAbsent(Connection& db) { return db.integer("SELECT count(*) FROM absent"); }

void addAbsent(Connection& db, const std::vector<ContactId>& contacts) {
  for (const ContactId id : contacts) {
    db.run("INSERT OR IGNORE INTO absent (contact_id) VALUES (?1)", {id});
  }
}

std::vector<ContactId> takeAbsent(Connection& db, int limit) {
  std::vector<ContactId> taken;
  db.query("SELECT contact_id FROM absent ORDER BY contact_id LIMIT ?1", {limit},
           [&](Row& row) { taken.push_back(row.integer()); });
  if (!taken.empty()) db.run("DELETE FROM absent WHERE contact_id <= ?1", {taken.back()});
  return taken;
}

void clearAbsent(Connection& db) { db.run("DELETE FROM absent"); }

void purgeSweeps(Connection& db, Instant before, int limit) {
  db.run(
      "DELETE FROM gap WHERE id IN (SELECT id FROM gap WHERE state = 2 AND closed_at < ?1 "
      "ORDER BY closed_at LIMIT ?2) AND id < (SELECT max(id) FROM gap)",
      {before, limit});
  db.run(
      "DELETE FROM sweep WHERE id IN (SELECT id FROM sweep WHERE state <> 0 AND ended_at < ?1 "
      "ORDER BY id LIMIT ?2) AND id < (SELECT max(id) FROM sweep)",
      {before, limit});
}

}  // namespace mbr::store::sql
