// Jobs: adding, claiming under a lease, ending.
#pragma once

#include "domain/job.h"
#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::optional<Job> findJob(Connection& db, JobId id);
std::optional<Job> findOpenJob(Connection& db, std::string_view kind, std::string_view key);
bool hasOpenJob(Connection& db, std::string_view kind, ContactId contact);
std::optional<Instant> nextJobDue(Connection& db, Lane lowest);
std::vector<JobCounts> countJobs(Connection& db);
std::vector<Job> listJobs(Connection& db, JobState state, int limit);
std::vector<Job> searchJobs(Connection& db, const JobQuery& query, int limit);
std::vector<Job> listDueJobs(Connection& db, std::string_view kind, Instant now, int limit);
std::vector<Job> listOpenJobsOf(Connection& db, ContactId contact);

JobId addJob(Connection& db, ChangeLog& log, const Job& job, bool* added, Instant now);
std::vector<Job> claimJobs(Connection& db, int limit, Lane lowest, Instant leaseUntil, Instant now);
std::optional<Job> claimJob(Connection& db, JobId id, Instant leaseUntil);
void releaseJobs(Connection& db);
bool saveJob(Connection& db, ChangeLog& log, const Job& job, Instant now);
bool moveJob(Connection& db, ChangeLog& log, const Job& job, Instant now);
bool reviveJob(Connection& db, ChangeLog& log, const Job& job, Instant now);

// Drops the contact's open jobs and empties all of its jobs, ended ones too; also those of no
// contact's id whose payload holds the e-mail ("" = none) as a JSON string. Reads the whole table.
void eraseJobsOf(Connection& db, ChangeLog& log, ContactId contact, const std::string& email,
                 Instant now);

std::optional<IdempotencyRecord> findIdempotency(Connection& db, std::int64_t apiKeyId,
                                                 const std::string& key);
void saveIdempotency(Connection& db, const IdempotencyRecord& record);
void pruneIdempotency(Connection& db, Instant before, int limit);

}  // namespace mbr::store::sql
