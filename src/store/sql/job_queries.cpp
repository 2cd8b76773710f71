#include "store/sql/job_queries.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mbr::store::sql {
namespace {

// Literals must stay literals, so the columns are a macro and not a constant.
#define MBR_JOB_COLUMNS                                                                           \
  "id, kind, lane, state, contact_id, key, payload, sealed, result, reason, after_id, attempts, " \
  "created_at, due_at, lease_until, ended_at"

Job readJob(Row& row) {
  Job job;
  job.id = row.integer();
  job.kind = row.text();
  job.lane = static_cast<Lane>(row.integer());
  job.state = static_cast<JobState>(row.integer());
  job.contactId = row.maybeInteger();
  job.key = row.text();
  job.payload = row.text();
  job.sealed = row.bytes();
  job.result = row.text();
  job.reason = row.text();
  job.after = row.integer();
  job.attempts = static_cast<int>(row.integer());
  job.createdAt = row.instant();
  job.dueAt = row.instant();
  job.leaseUntil = row.instant();
  job.endedAt = row.instant();
  return job;
}

// An older job of the same contact and kind that has not ended goes first, also while it waits for
// its next try: what the site asked for later must not be overtaken by what it asked for before.
#define MBR_NOT_BEHIND_ANOTHER                                                    \
  " AND NOT EXISTS (SELECT 1 FROM job o WHERE o.contact_id = job.contact_id AND " \
  "o.kind = job.kind AND o.state < 3 AND o.state > 0 AND o.id < job.id)"

// What a job that waits for `after` is now.
JobState stateBehind(Connection& db, JobId after) {
  std::optional<JobState> state;
  db.query("SELECT state FROM job WHERE id = ?1", {after},
           [&](Row& row) { state = static_cast<JobState>(row.integer()); });
  if (state && isOpen(*state)) return JobState::kWaiting;
  const bool failed = state == JobState::kDead || state == JobState::kDropped;
  return failed ? JobState::kDead : JobState::kQueued;
}

constexpr std::string_view kDeadBefore = "the job it waited for was given up";

std::vector<JobId> waitingFor(Connection& db, JobId id) {
  std::vector<JobId> waiting;
  db.query("SELECT id FROM job WHERE after_id = ?1 AND state = 0 ORDER BY id", {id},
           [&](Row& row) { waiting.push_back(row.integer()); });
  return waiting;
}

void releaseBehind(Connection& db, ChangeLog& log, JobId ended, Instant now) {
  for (const JobId id : waitingFor(db, ended)) {
    db.run("UPDATE job SET state = 1 WHERE id = ?1", {id});
    log.add(ChangeKind::kJob, id, now);
  }
}

// And those that wait for them in turn.
void killBehind(Connection& db, ChangeLog& log, JobId ended, Instant now) {
  std::vector<JobId> dead{ended};
  while (!dead.empty()) {
    const JobId last = dead.back();
    dead.pop_back();
    for (const JobId id : waitingFor(db, last)) {
      db.run("UPDATE job SET state = 5, sealed = NULL, reason = ?2, ended_at = ?3 WHERE id = ?1",
             {id, kDeadBefore, now});
      log.add(ChangeKind::kJob, id, now);
      dead.push_back(id);
    }
  }
}

}  // namespace

std::optional<Job> findJob(Connection& db, JobId id) {
  std::optional<Job> found;
  db.query("SELECT " MBR_JOB_COLUMNS " FROM job WHERE id = ?1", {id},
           [&](Row& row) { found = readJob(row); });
  return found;
}

std::optional<Job> findOpenJob(Connection& db, std::string_view kind, std::string_view key) {
  std::optional<Job> found;
  db.query("SELECT " MBR_JOB_COLUMNS
           " FROM job WHERE kind = ?1 AND key = ?2 AND state < 3 AND key <> ''",
           {kind, key}, [&](Row& row) { found = readJob(row); });
  return found;
}

bool hasOpenJob(Connection& db, std::string_view kind, ContactId contact) {
  return db.integer("SELECT 1 FROM job WHERE contact_id = ?1 AND kind = ?2 AND state < 3 LIMIT 1",
                    {contact, kind}) != 0;
}

std::optional<Instant> nextJobDue(Connection& db, Lane lowest) {
  static_assert(kLaneCount == 6, "the statement names every lane, so that each is one seek");
  std::optional<Instant> due;
  db.query(
      "SELECT min(due) FROM (SELECT (SELECT due_at FROM job WHERE state = 1 AND lane = "
      "column1" MBR_NOT_BEHIND_ANOTHER
      " ORDER BY due_at LIMIT 1) AS due "
      "FROM (VALUES (0), (1), (2), (3), (4), (5)) WHERE column1 <= ?1 "
      "UNION ALL SELECT min(lease_until) FROM job WHERE state = 2 AND lane <= ?1)",
      {lowest}, [&](Row& row) { due = row.maybeInstant(); });
  return due;
}

std::vector<JobCounts> countJobs(Connection& db) {
  std::vector<JobCounts> counts;
  db.query("SELECT lane, state, count(*) FROM job WHERE state IN (0, 1, 2, 5) GROUP BY state, lane",
           {}, [&](Row& row) {
             JobCounts count;
             count.lane = static_cast<int>(row.integer());
             count.state = static_cast<int>(row.integer());
             count.count = row.integer();
             counts.push_back(count);
           });
  return counts;
}

std::vector<Job> listJobs(Connection& db, JobState state, int limit) {
  std::vector<Job> jobs;
  db.query("SELECT " MBR_JOB_COLUMNS " FROM job WHERE state = ?1 ORDER BY id DESC LIMIT ?2",
           {state, limit}, [&](Row& row) { jobs.push_back(readJob(row)); });
  return jobs;
}

std::vector<Job> searchJobs(Connection& db, const JobQuery& query, int limit) {
  const std::string quoted = query.email.empty() ? "" : '"' + query.email + '"';
  std::vector<Job> jobs;
  db.query("SELECT " MBR_JOB_COLUMNS
           " FROM job WHERE (?1 IS NULL OR state = ?1) AND (?2 = '' OR kind = ?2) "
           "AND ((?3 IS NULL AND ?4 = '') OR contact_id = ?3 "
           "OR (contact_id IS NULL AND ?4 <> '' AND instr(payload, ?4) > 0)) "
           "ORDER BY id DESC LIMIT ?5",
           {query.state, query.kind, query.contact, quoted, limit},
           [&](Row& row) { jobs.push_back(readJob(row)); });
  return jobs;
}

std::vector<Job> listDueJobs(Connection& db, std::string_view kind, Instant now, int limit) {
  // Lane by lane, since the index that is in order of due time begins with the lane.
  std::vector<Job> jobs;
  for (int lane = 0; lane < kLaneCount; ++lane) {
    db.query("SELECT " MBR_JOB_COLUMNS
             " FROM job WHERE state = 1 AND lane = ?1 AND due_at <= ?2 AND kind = "
             "?3" MBR_NOT_BEHIND_ANOTHER " ORDER BY due_at, id LIMIT ?4",
             {lane, now, kind, limit}, [&](Row& row) { jobs.push_back(readJob(row)); });
  }
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) {
    return std::tie(a.dueAt, a.id) < std::tie(b.dueAt, b.id);
  });
  const auto most = static_cast<std::size_t>(std::max(limit, 0));
  if (jobs.size() > most) jobs.resize(most);
  return jobs;
}

std::vector<Job> listOpenJobsOf(Connection& db, ContactId contact) {
  std::vector<Job> jobs;
  db.query("SELECT " MBR_JOB_COLUMNS " FROM job WHERE contact_id = ?1 AND state < 3 ORDER BY id",
           {contact}, [&](Row& row) { jobs.push_back(readJob(row)); });
  return jobs;
}

JobId addJob(Connection& db, ChangeLog& log, const Job& job, bool* added, Instant now) {
  if (added != nullptr) *added = false;
  if (!job.key.empty()) {
    const JobId open =
        db.integer("SELECT id FROM job WHERE kind = ?1 AND key = ?2 AND state < 3 AND key <> ''",
                   {job.kind, job.key});
    if (open != 0) return open;
  }
  const bool waits = job.state == JobState::kWaiting;
  const JobState state = waits ? stateBehind(db, job.after) : job.state;
  const bool deadAtOnce = waits && state == JobState::kDead;
  const std::string none;
  const std::string reason = deadAtOnce ? std::string(kDeadBefore) : job.reason;
  const auto endedAt = isOpen(state) ? std::nullopt : std::optional(now);
  JobId id = 0;
  db.query(
      "INSERT INTO job (kind, lane, state, contact_id, key, payload, sealed, result, reason, "
      "after_id, attempts, created_at, due_at, lease_until, ended_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) RETURNING id",
      {job.kind, job.lane, state, job.contactId, job.key, job.payload,
       Bytes(deadAtOnce ? none : job.sealed), job.result, reason, job.after, job.attempts,
       job.createdAt, job.dueAt, 0, endedAt},
      [&](Row& row) { id = row.integer(); });
  if (added != nullptr) *added = true;
  log.add(ChangeKind::kJob, id, now);
  return id;
}

std::vector<Job> claimJobs(Connection& db, int limit, Lane lowest, Instant leaseUntil,
                           Instant now) {
  db.run(
      "UPDATE job SET state = 1, lease_until = 0 "
      "WHERE state = 2 AND lane <= ?1 AND lease_until <= ?2",
      {lowest, now});
  std::vector<Job> jobs;
  const int last = static_cast<int>(lowest);
  for (int lane = 0; lane <= last && static_cast<int>(jobs.size()) < limit; ++lane) {
    db.query("SELECT " MBR_JOB_COLUMNS
             " FROM job WHERE state = 1 AND lane = ?1 AND due_at <= ?2" MBR_NOT_BEHIND_ANOTHER
             " ORDER BY due_at, id LIMIT ?3",
             {lane, now, limit - static_cast<int>(jobs.size())},
             [&](Row& row) { jobs.push_back(readJob(row)); });
  }
  for (Job& job : jobs) {
    job.state = JobState::kRunning;
    job.leaseUntil = leaseUntil;
    db.run("UPDATE job SET state = 2, lease_until = ?2 WHERE id = ?1", {job.id, leaseUntil});
  }
  return jobs;
}

std::optional<Job> claimJob(Connection& db, JobId id, Instant leaseUntil) {
  std::optional<Job> claimed;
  db.query(
      "UPDATE job SET state = 2, lease_until = ?2 "
      "WHERE id = ?1 AND state = 1" MBR_NOT_BEHIND_ANOTHER " RETURNING " MBR_JOB_COLUMNS,
      {id, leaseUntil}, [&](Row& row) { claimed = readJob(row); });
  return claimed;
}

void releaseJobs(Connection& db) {
  db.run("UPDATE job SET state = 1, lease_until = 0 WHERE state = 2", {});
}

bool saveJob(Connection& db, ChangeLog& log, const Job& job, Instant now) {
  const bool open = isOpen(job.state);
  const Instant lease = job.state == JobState::kRunning ? job.leaseUntil : Instant{};
  // Whoever claimed the job later holds a later lease; a lease of one's own may be extended.
  const std::size_t saved = db.run(
      "UPDATE job SET payload = ?2, sealed = ?3, lane = ?4, due_at = ?5, attempts = ?6, "
      "reason = ?7, result = ?8, state = ?9, lease_until = ?10, ended_at = ?11 "
      "WHERE id = ?1 AND state < 3 AND (state <> 2 OR lease_until <= ?12)",
      {job.id, job.payload, Bytes(job.sealed), job.lane, job.dueAt, job.attempts, job.reason,
       job.result, job.state, lease, open ? std::nullopt : std::optional(now), job.leaseUntil});
  if (saved == 0) return false;
  log.add(ChangeKind::kJob, job.id, now);
  if (job.state == JobState::kDone || job.state == JobState::kRefused) {
    releaseBehind(db, log, job.id, now);
  } else if (!open) {
    killBehind(db, log, job.id, now);
  }
  return true;
}

bool moveJob(Connection& db, ChangeLog& log, const Job& job, Instant now) {
  // An open job of that kind and key makes the unique index refuse it.
  const std::size_t moved = db.run(
      "UPDATE OR IGNORE job SET contact_id = ?2, key = ?3, payload = ?4 "
      "WHERE id = ?1 AND state IN (0, 1)",
      {job.id, job.contactId, job.key, job.payload});
  if (moved == 0) return false;
  log.add(ChangeKind::kJob, job.id, now);
  return true;
}

bool reviveJob(Connection& db, ChangeLog& log, const Job& job, Instant now) {
  // An open job of that kind and key makes the unique index refuse it.
  const std::size_t revived = db.run(
      "UPDATE OR IGNORE job SET state = ?2, payload = ?3, result = '', reason = '', attempts = 0, "
      "created_at = ?4, due_at = ?4, lease_until = 0, ended_at = NULL WHERE id = ?1 AND state = 5",
      {job.id, job.state, job.payload, now});
  if (revived == 0) return false;
  log.add(ChangeKind::kJob, job.id, now);
  return true;
}

void eraseJobsOf(Connection& db, ChangeLog& log, ContactId contact, const std::string& email,
                 Instant now) {
  const std::string quoted = email.empty() ? "" : '"' + email + '"';
  std::vector<std::pair<JobId, bool>> theirs;  // and whether it is open
  db.query(
      "SELECT id, state FROM job WHERE contact_id = ?1 "
      "OR (contact_id IS NULL AND ?2 <> '' AND instr(payload, ?2) > 0)",
      {contact, quoted}, [&](Row& row) {
        const JobId id = row.integer();
        theirs.emplace_back(id, isOpen(static_cast<JobState>(row.integer())));
      });
  // All of them before any is said to have ended: none of theirs that waits becomes a dead one.
  for (const auto& [id, open] : theirs) {
    db.run(
        "UPDATE job SET payload = '', sealed = NULL, result = '', key = '', reason = '' "
        "WHERE id = ?1",
        {id});
    if (!open) continue;
    db.run(
        "UPDATE job SET state = 6, reason = 'the contact was erased', lease_until = 0, "
        "ended_at = ?2 WHERE id = ?1",
        {id, now});
    log.add(ChangeKind::kJob, id, now);
  }
  for (const auto& [id, open] : theirs) {
    if (open) killBehind(db, log, id, now);
  }
}

std::optional<IdempotencyRecord> findIdempotency(Connection& db, std::int64_t apiKeyId,
                                                 const std::string& key) {
  std::optional<IdempotencyRecord> found;
  db.query(
      "SELECT api_key_id, key, request, job_id, created_at FROM idempotency "
      "WHERE api_key_id = ?1 AND key = ?2",
      {apiKeyId, key}, [&](Row& row) {
        IdempotencyRecord record;
        record.apiKeyId = row.integer();
        record.key = row.text();
        record.request = row.bytes();
        record.jobId = row.integer();
        record.createdAt = row.instant();
        found = std::move(record);
      });
  return found;
}

void saveIdempotency(Connection& db, const IdempotencyRecord& record) {
  db.run(
      "INSERT OR REPLACE INTO idempotency (api_key_id, key, request, job_id, created_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5)",
      {record.apiKeyId, record.key, Bytes(record.request), record.jobId, record.createdAt});
}

void pruneIdempotency(Connection& db, Instant before, int limit) {
  db.run(
      "DELETE FROM idempotency WHERE (api_key_id, key) IN (SELECT api_key_id, key "
      "FROM idempotency WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
      {before, limit});
}

}  // namespace mbr::store::sql
