// What happened: deliveries and audit rows; and what is old enough to go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/records.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

bool hasDelivery(Connection& db, const std::string& digest, Instant since);
std::vector<DeliveryRecord> searchDeliveries(Connection& db, const DeliveryQuery& query, int limit);
std::optional<Instant> lastDeliveryAt(Connection& db, std::string_view route);
void addDelivery(Connection& db, const DeliveryRecord& delivery);
void addAudit(Connection& db, const AuditRecord& record);
std::vector<AuditRecord> listAuditOf(Connection& db, ContactId contact, int limit);

// Takes a contact's id and e-mail ("" if it has none), and what was said about it, out of
// deliveries and audit. Reads both tables whole: an index for it would cost every webhook.
void eraseFromLogs(Connection& db, ContactId contact, const std::string& email);

// At most kPruneBatch rows of each table go at once, oldest first, so that the writer is not held
// up; the newest row of a table stays, so that no id comes twice.
constexpr int kPruneBatch = 10000;
void prune(Connection& db, Instant deliveries, Instant changes, Instant jobs, Instant audit);

}  // namespace mbr::store::sql
