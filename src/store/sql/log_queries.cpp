#include "store/sql/log_queries.h"

#include <utility>

namespace mbr::store::sql {

namespace {

#define MBR_DELIVERY_COLUMNS \
  "id, received_at, route, event_type, digest, contact_id, email, follow_up, status, request_id"

DeliveryRecord readDelivery(Row& row) {
  DeliveryRecord delivery;
  delivery.id = row.integer();
  delivery.receivedAt = row.instant();
  delivery.route = row.text();
  delivery.eventType = row.text();
  delivery.digest = row.bytes();
  delivery.contactId = row.maybeInteger();
  delivery.email = row.text();
  delivery.followUp = row.text();
  delivery.status = row.text();
  delivery.requestId = row.text();
  return delivery;
}

}  // namespace

bool hasDelivery(Connection& db, const std::string& digest, Instant since) {
  return db.integer(
             "SELECT 1 FROM delivery WHERE digest = ?1 AND received_at >= ?2 "
             "AND follow_up <> '' AND status = 'accepted' LIMIT 1",
             {Bytes(digest), since}) != 0;
}

std::vector<DeliveryRecord> searchDeliveries(Connection& db, const DeliveryQuery& query,
                                             int limit) {
  std::vector<DeliveryRecord> deliveries;
  db.query("SELECT " MBR_DELIVERY_COLUMNS
           " FROM delivery WHERE (?1 IS NULL OR id = ?1) "
           "AND ((?2 IS NULL AND ?3 = '') OR contact_id = ?2 OR (email = ?3 AND ?3 <> '')) "
           "AND (?4 IS NULL OR received_at >= ?4) ORDER BY id DESC LIMIT ?5",
           {query.id, query.contact, query.email, query.since, limit},
           [&](Row& row) { deliveries.push_back(readDelivery(row)); });
  return deliveries;
}

std::optional<Instant> lastDeliveryAt(Connection& db, std::string_view route) {
  std::optional<Instant> at;
  db.query(
      "SELECT received_at FROM delivery WHERE route = ?1 AND "
      "id > (SELECT max(id) FROM delivery) - 10000 ORDER BY id DESC LIMIT 1",
      {route}, [&](Row& row) { at = row.instant(); });
  return at;
}

void addDelivery(Connection& db, const DeliveryRecord& delivery) {
  db.run(
      "INSERT INTO delivery (received_at, route, event_type, digest, contact_id, email, "
      "follow_up, status, request_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      {delivery.receivedAt, delivery.route, delivery.eventType, Bytes(delivery.digest),
       delivery.contactId, delivery.email, delivery.followUp, delivery.status, delivery.requestId});
}

void addAudit(Connection& db, const AuditRecord& record) {
  db.run(
      "INSERT INTO audit (at, actor, action, contact_id, detail, request_id) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      {record.at, record.actor, record.action, record.contactId, record.detail, record.requestId});
}

std::vector<AuditRecord> listAuditOf(Connection& db, ContactId contact, int limit) {
  std::vector<AuditRecord> records;
  db.query(
      "SELECT at, actor, action, contact_id, detail, request_id FROM audit WHERE contact_id = ?1 "
      "ORDER BY id DESC LIMIT ?2",
      {contact, limit}, [&](Row& row) {
        AuditRecord record;
        record.at = row.instant();
        record.actor = row.text();
        record.action = row.text();
        record.contactId = row.maybeInteger();
        record.detail = row.text();
        record.requestId = row.text();
        records.push_back(std::move(record));
      });
  return records;
}

void eraseFromLogs(Connection& db, ContactId contact, const std::string& email) {
  db.run(
      "UPDATE delivery SET contact_id = NULL, email = '', digest = NULL "
      "WHERE contact_id = ?1 OR (email = ?2 AND email <> '')",
      {contact, email});
  db.run("UPDATE audit SET contact_id = NULL, detail = '' WHERE contact_id = ?1", {contact});
}

void prune(Connection& db, Instant deliveries, Instant changes, Instant jobs, Instant audit) {
  // Only the oldest rows by id are looked at: no index on the time is needed.
  db.run(
      "DELETE FROM delivery WHERE id IN (SELECT id FROM (SELECT id, received_at FROM delivery "
      "ORDER BY id LIMIT ?2) WHERE received_at < ?1) AND id < (SELECT max(id) FROM delivery)",
      {deliveries, kPruneBatch});
  db.run(
      "DELETE FROM change WHERE id IN (SELECT id FROM (SELECT id, at FROM change "
      "ORDER BY id LIMIT ?2) WHERE at < ?1) AND id < (SELECT max(id) FROM change)",
      {changes, kPruneBatch});
  db.run(
      "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit "
      "ORDER BY id LIMIT ?2) WHERE at < ?1) AND id < (SELECT max(id) FROM audit)",
      {audit, kPruneBatch});
  db.run(
      "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state >= 3 AND ended_at < ?1 "
      "ORDER BY ended_at LIMIT ?2) AND id < (SELECT max(id) FROM job)",
      {jobs, kPruneBatch});
}

}  // namespace mbr::store::sql
