#include "store/sql/access_queries.h"

#include <algorithm>

namespace mbr::store::sql {
namespace {

ThrottleRecord throttleOf(Row& row) {
  ThrottleRecord record;
  record.key = row.bytes();
  record.failures = static_cast<int>(row.integer());
  record.firstFailureAt = row.instant();
  record.lastFailureAt = row.instant();
  record.succeededAt = row.maybeInstant();
  return record;
}

SessionRecord readSession(Row& row) {
  SessionRecord session;
  session.digest = row.bytes();
  session.contactId = row.integer();
  session.via = row.text();
  session.createdAt = row.instant();
  session.usedAt = row.instant();
  session.expiresAt = row.instant();
  return session;
}

LinkRecord readLink(Row& row) {
  LinkRecord link;
  link.digest = row.bytes();
  link.contactId = row.integer();
  link.createdAt = row.instant();
  link.expiresAt = row.instant();
  link.usedAt = row.maybeInstant();
  return link;
}

}  // namespace

std::vector<CodeRecord> listCodes(Connection& db) {
  std::vector<CodeRecord> codes;
  db.query(
      "SELECT id, name, key_id, digest, purposes, is_short, created_at, revoked_at FROM code "
      "ORDER BY id",
      {}, [&](Row& row) {
        CodeRecord code;
        code.id = row.integer();
        code.name = row.text();
        code.keyId = row.text();
        code.digest = row.bytes();
        code.purposes = row.text();
        code.isShort = row.flag();
        code.createdAt = row.instant();
        code.revokedAt = row.maybeInstant();
        codes.push_back(std::move(code));
      });
  return codes;
}

std::int64_t addCode(Connection& db, ChangeLog& log, const CodeRecord& code, Instant now) {
  const std::int64_t id = db.integer(
      "INSERT INTO code (name, key_id, digest, purposes, is_short, created_at, revoked_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
      {code.name, code.keyId, Bytes(code.digest), code.purposes, code.isShort, code.createdAt,
       code.revokedAt});
  log.add(ChangeKind::kCode, id, now);
  return id;
}

bool revokeCode(Connection& db, ChangeLog& log, std::string_view name, Instant now) {
  const std::int64_t id = db.integer(
      "UPDATE code SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL RETURNING id",
      {name, now});
  if (id != 0) log.add(ChangeKind::kCode, id, now);
  return id != 0;
}

std::vector<ApiKeyRecord> listApiKeys(Connection& db) {
  std::vector<ApiKeyRecord> keys;
  db.query(
      "SELECT id, name, prefix, digest, scopes, created_at, revoked_at FROM api_key ORDER BY id",
      {}, [&](Row& row) {
        ApiKeyRecord key;
        key.id = row.integer();
        key.name = row.text();
        key.prefix = row.text();
        key.digest = row.bytes();
        key.scopes = row.text();
        key.createdAt = row.instant();
        key.revokedAt = row.maybeInstant();
        keys.push_back(std::move(key));
      });
  return keys;
}

std::int64_t addApiKey(Connection& db, ChangeLog& log, const ApiKeyRecord& key, Instant now) {
  const std::int64_t id = db.integer(
      "INSERT INTO api_key (name, prefix, digest, scopes, created_at, revoked_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
      {key.name, key.prefix, Bytes(key.digest), key.scopes, key.createdAt, key.revokedAt});
  log.add(ChangeKind::kApiKey, id, now);
  return id;
}

bool revokeApiKey(Connection& db, ChangeLog& log, std::string_view name, Instant now) {
  const std::int64_t id = db.integer(
      "UPDATE api_key SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL RETURNING id",
      {name, now});
  if (id != 0) log.add(ChangeKind::kApiKey, id, now);
  return id != 0;
}

std::optional<SessionRecord> findSession(Connection& db, const std::string& digest) {
  std::optional<SessionRecord> found;
  db.query(
      "SELECT digest, contact_id, via, created_at, used_at, expires_at FROM session "
      "WHERE digest = ?1",
      {Bytes(digest)}, [&](Row& row) { found = readSession(row); });
  return found;
}

std::vector<SessionRecord> listSessionsOf(Connection& db, ContactId contact, int limit) {
  std::vector<SessionRecord> sessions;
  db.query(
      "SELECT digest, contact_id, via, created_at, used_at, expires_at FROM session "
      "WHERE contact_id = ?1 ORDER BY created_at DESC LIMIT ?2",
      {contact, limit}, [&](Row& row) { sessions.push_back(readSession(row)); });
  return sessions;
}

void saveSession(Connection& db, ChangeLog& log, const SessionRecord& session, Instant now) {
  // A later use alone changes nothing that another process would have to drop.
  const std::size_t used = db.run(
      "UPDATE session SET used_at = ?5 WHERE digest = ?1 AND contact_id = ?2 AND via = ?3 "
      "AND created_at = ?4 AND expires_at = ?6",
      {Bytes(session.digest), session.contactId, session.via, session.createdAt, session.usedAt,
       session.expiresAt});
  if (used != 0) return;
  db.run(
      "INSERT OR REPLACE INTO session (digest, contact_id, via, created_at, used_at, expires_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      {Bytes(session.digest), session.contactId, session.via, session.createdAt, session.usedAt,
       session.expiresAt});
  log.add(ChangeKind::kSession, session.contactId, now);
}

void deleteSession(Connection& db, ChangeLog& log, const std::string& digest, Instant now) {
  const ContactId contact =
      db.integer("DELETE FROM session WHERE digest = ?1 RETURNING contact_id", {Bytes(digest)});
  if (contact != 0) log.add(ChangeKind::kSession, contact, now);
}

void deleteSessionsOf(Connection& db, ChangeLog& log, ContactId id, Instant now) {
  if (db.run("DELETE FROM session WHERE contact_id = ?1", {id}) != 0) {
    log.add(ChangeKind::kSession, id, now);
  }
}

void moveSessions(Connection& db, ChangeLog& log, ContactId from, ContactId to, Instant now) {
  if (db.run("UPDATE session SET contact_id = ?2 WHERE contact_id = ?1", {from, to}) != 0) {
    log.add(ChangeKind::kSession, from, now);
  }
}

std::vector<ContactId> listVisitors(Connection& db, Instant usedSince, Instant pulledBefore,
                                    int limit) {
  std::vector<ContactId> visitors;
  db.query(
      "SELECT DISTINCT s.contact_id FROM session s JOIN contact c ON c.id = s.contact_id "
      "WHERE s.used_at >= ?1 AND coalesce(c.pulled_at, 0) < ?2 AND c.deleted_at IS NULL "
      "ORDER BY s.contact_id LIMIT ?3",
      {usedSince, pulledBefore, limit}, [&](Row& row) { visitors.push_back(row.integer()); });
  return visitors;
}

std::optional<LinkRecord> findLink(Connection& db, const std::string& digest) {
  std::optional<LinkRecord> found;
  db.query("SELECT digest, contact_id, created_at, expires_at, used_at FROM link WHERE digest = ?1",
           {Bytes(digest)}, [&](Row& row) { found = readLink(row); });
  return found;
}

std::vector<LinkRecord> listLinksOf(Connection& db, ContactId contact, int limit) {
  std::vector<LinkRecord> links;
  db.query(
      "SELECT digest, contact_id, created_at, expires_at, used_at FROM link WHERE contact_id = ?1 "
      "ORDER BY created_at DESC LIMIT ?2",
      {contact, limit}, [&](Row& row) { links.push_back(readLink(row)); });
  return links;
}

void saveLink(Connection& db, const LinkRecord& link) {
  db.run(
      "INSERT OR REPLACE INTO link (digest, contact_id, created_at, expires_at, used_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5)",
      {Bytes(link.digest), link.contactId, link.createdAt, link.expiresAt, link.usedAt});
}

void deleteLinksOf(Connection& db, ContactId id) {
  db.run("DELETE FROM link WHERE contact_id = ?1", {id});
}

void pruneLinks(Connection& db, Instant before) {
  db.run("DELETE FROM link WHERE used_at < ?1 OR expires_at < ?1", {before});
}

std::vector<ThrottleRecord> listThrottle(Connection& db, Instant newerThan, int limit) {
  std::vector<ThrottleRecord> records;
  db.query(
      "SELECT key, failures, first_failure_at, last_failure_at, succeeded_at FROM throttle "
      "WHERE active_at > ?1 ORDER BY active_at DESC LIMIT ?2",
      {newerThan, limit}, [&](Row& row) { records.push_back(throttleOf(row)); });
  return records;
}

std::optional<ThrottleRecord> findThrottle(Connection& db, const std::string& key) {
  std::optional<ThrottleRecord> found;
  db.query(
      "SELECT key, failures, first_failure_at, last_failure_at, succeeded_at FROM throttle "
      "WHERE key = ?1",
      {Bytes(key)}, [&](Row& row) { found = throttleOf(row); });
  return found;
}

void saveThrottle(Connection& db, const ThrottleRecord& record) {
  const Instant active =
      std::max(record.lastFailureAt, record.succeededAt.value_or(record.lastFailureAt));
  db.run(
      "INSERT OR REPLACE INTO throttle (key, failures, first_failure_at, last_failure_at, "
      "succeeded_at, active_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      {Bytes(record.key), record.failures, record.firstFailureAt, record.lastFailureAt,
       record.succeededAt, active});
}

void deleteThrottle(Connection& db, Instant failuresBefore, Instant successesBefore) {
  db.run(
      "DELETE FROM throttle WHERE active_at < ?1 AND (succeeded_at IS NULL OR succeeded_at < ?2)",
      {failuresBefore, successesBefore});
}

std::optional<Instant> findTombstone(Connection& db, const std::string& digest) {
  std::optional<Instant> at;
  db.query("SELECT at FROM tombstone WHERE digest = ?1", {Bytes(digest)},
           [&](Row& row) { at = row.instant(); });
  return at;
}

bool hasTombstones(Connection& db) {
  return db.integer("SELECT EXISTS (SELECT 1 FROM tombstone)") != 0;
}

void addTombstones(Connection& db, const std::vector<std::string>& digests, Instant now) {
  const std::int64_t erasure = db.integer("SELECT coalesce(max(erasure), 0) + 1 FROM tombstone");
  for (const std::string& digest : digests) {
    db.run(
        "UPDATE tombstone SET erasure = ?2 "
        "WHERE erasure = (SELECT erasure FROM tombstone WHERE digest = ?1)",
        {Bytes(digest), erasure});
    db.run("INSERT OR REPLACE INTO tombstone (digest, at, erasure) VALUES (?1, ?2, ?3)",
           {Bytes(digest), now, erasure});
  }
}

void deleteTombstone(Connection& db, const std::string& digest) {
  db.run("DELETE FROM tombstone WHERE digest = ?1", {Bytes(digest)});
}

void deleteErasure(Connection& db, const std::string& digest) {
  db.run("DELETE FROM tombstone WHERE erasure = (SELECT erasure FROM tombstone WHERE digest = ?1)",
         {Bytes(digest)});
}

}  // namespace mbr::store::sql
