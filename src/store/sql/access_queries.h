// Who may enter: codes, API keys, sessions, links, throttle counters, tombstones.
#pragma once

#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::vector<CodeRecord> listCodes(Connection& db);
std::int64_t addCode(Connection& db, ChangeLog& log, const CodeRecord& code, Instant now);
bool revokeCode(Connection& db, ChangeLog& log, std::string_view name, Instant now);

std::vector<ApiKeyRecord> listApiKeys(Connection& db);
std::int64_t addApiKey(Connection& db, ChangeLog& log, const ApiKeyRecord& key, Instant now);
bool revokeApiKey(Connection& db, ChangeLog& log, std::string_view name, Instant now);

std::optional<SessionRecord> findSession(Connection& db, const std::string& digest);
std::vector<SessionRecord> listSessionsOf(Connection& db, ContactId contact, int limit);
void saveSession(Connection& db, ChangeLog& log, const SessionRecord& session, Instant now);
void deleteSession(Connection& db, ChangeLog& log, const std::string& digest, Instant now);
void deleteSessionsOf(Connection& db, ChangeLog& log, ContactId id, Instant now);
void moveSessions(Connection& db, ChangeLog& log, ContactId from, ContactId to, Instant now);

std::vector<ContactId> listVisitors(Connection& db, Instant usedSince, Instant pulledBefore,
                                    int limit);

std::optional<LinkRecord> findLink(Connection& db, const std::string& digest);
std::vector<LinkRecord> listLinksOf(Connection& db, ContactId contact, int limit);
void saveLink(Connection& db, const LinkRecord& link);
void deleteLinksOf(Connection& db, ContactId id);
// Links that were used, or ended, before then.
void pruneLinks(Connection& db, Instant before);

std::vector<ThrottleRecord> listThrottle(Connection& db, Instant newerThan, int limit);
std::optional<ThrottleRecord> findThrottle(Connection& db, const std::string& key);
void saveThrottle(Connection& db, const ThrottleRecord& record);
void deleteThrottle(Connection& db, Instant failuresBefore, Instant successesBefore);

bool hasTombstones(Connection& db);
std::optional<Instant> findTombstone(Connection& db, const std::string& digest);
void addTombstones(Connection& db, const std::vector<std::string>& digests, Instant now);
void deleteTombstone(Connection& db, const std::string& digest);
void deleteErasure(Connection& db, const std::string& digest);

}  // namespace mbr::store::sql
