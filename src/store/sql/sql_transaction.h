// The port's Reader and Transaction over a connection; the queries lie in files by subject.
#pragma once

#include <utility>

#include "store/sql/access_queries.h"
#include "store/sql/contact_doc.h"
#include "store/sql/contact_queries.h"
#include "store/sql/history_queries.h"
#include "store/sql/job_queries.h"
#include "store/sql/log_queries.h"
#include "store/sql/site_queries.h"
#include "store/sql/sync_queries.h"
#include "store/store.h"

namespace mbr::store::sql {

// Reader's calls for both of them: Base is Reader or Transaction.
template <class Base>
class Reads : public Base {
 public:
  explicit Reads(Connection& db) : db_(db) {}

  std::optional<Contact> findContact(ContactId id) override { return sql::findContact(db_, id); }
  std::optional<Contact> findContactByEmail(const Email& email) override {
    return sql::findContactByEmail(db_, email);
  }
  std::vector<ContactId> contactsWithTag(TagId tag, int limit) override {
    return sql::contactsWithTag(db_, tag, limit);
  }
  std::vector<ContactId> contactIds(ContactId after, ContactId upTo, int limit) override {
    return sql::contactIds(db_, after, upTo, limit);
  }
  bool hasContactUpdatedIn(Instant from, Instant to) override {
    return sql::hasContactUpdatedIn(db_, from, to);
  }
  std::int64_t countContacts() override { return sql::countContacts(db_); }
  std::optional<Credential> findCredential(ContactId id) override {
    return sql::findCredential(db_, id);
  }

  std::optional<Job> findJob(JobId id) override { return sql::findJob(db_, id); }
  std::optional<Job> findOpenJob(std::string_view kind, std::string_view key) override {
    return sql::findOpenJob(db_, kind, key);
  }
  bool hasOpenJob(std::string_view kind, ContactId contact) override {
    return sql::hasOpenJob(db_, kind, contact);
  }
  std::optional<Instant> nextJobDue(Lane lowest) override { return sql::nextJobDue(db_, lowest); }
  std::vector<JobCounts> countJobs() override { return sql::countJobs(db_); }
  std::vector<Job> listJobs(JobState state, int limit) override {
    return sql::listJobs(db_, state, limit);
  }
  std::vector<Job> listDueJobs(std::string_view kind, Instant now, int limit) override {
    return sql::listDueJobs(db_, kind, now, limit);
  }
  std::vector<Job> listOpenJobsOf(ContactId contact) override {
    return sql::listOpenJobsOf(db_, contact);
  }

  bool hasDelivery(const std::string& digest, Instant since) override {
    return sql::hasDelivery(db_, digest, since);
  }
  std::optional<Instant> lastDeliveryAt(std::string_view route) override {
    return sql::lastDeliveryAt(db_, route);
  }

  std::vector<Gap> listOpenGaps() override { return sql::listOpenGaps(db_); }
  std::vector<Gap> listGaps(int limit) override { return sql::listGaps(db_, limit); }
  std::optional<Sweep> findRunningSweep() override { return sql::findRunningSweep(db_); }
  std::optional<Sweep> findSweep(std::int64_t id) override { return sql::findSweep(db_, id); }
  std::vector<Sweep> listSweeps(int limit) override { return sql::listSweeps(db_, limit); }
  std::int64_t countAbsent() override { return sql::countAbsent(db_); }

  std::vector<CodeRecord> listCodes() override { return sql::listCodes(db_); }
  std::vector<ApiKeyRecord> listApiKeys() override { return sql::listApiKeys(db_); }
  std::optional<SessionRecord> findSession(const std::string& digest) override {
    return sql::findSession(db_, digest);
  }
  std::vector<ThrottleRecord> listThrottle(Instant newerThan, int limit) override {
    return sql::listThrottle(db_, newerThan, limit);
  }
  std::optional<ThrottleRecord> findThrottle(const std::string& key) override {
    return sql::findThrottle(db_, key);
  }
  std::vector<ContactId> listVisitors(Instant usedSince, Instant pulledBefore, int limit) override {
    return sql::listVisitors(db_, usedSince, pulledBefore, limit);
  }
  std::optional<LinkRecord> findLink(const std::string& digest) override {
    return sql::findLink(db_, digest);
  }
  std::optional<IdempotencyRecord> findIdempotency(std::int64_t apiKeyId,
                                                   const std::string& key) override {
    return sql::findIdempotency(db_, apiKeyId, key);
  }

  std::optional<HistoryRow> findHistory(std::string_view series, Instant at) override {
    return sql::findHistory(db_, series, at);
  }
  std::vector<HistoryRow> readHistory(std::string_view series, Instant since,
                                      Milliseconds step) override {
    return sql::readHistory(db_, series, since, step);
  }

  BudgetRecord loadBudget() override { return sql::loadBudget(db_); }
  std::vector<NamedId> listDirectory(Directory directory) override {
    return sql::listDirectory(db_, directory);
  }
  std::vector<FieldRecord> listFields() override { return sql::listFields(db_); }
  std::optional<std::string> findMeta(std::string_view key) override {
    return sql::findMeta(db_, key);
  }

  std::int64_t firstChangeId() override { return sql::firstChangeId(db_); }
  std::int64_t lastChangeId() override { return sql::lastChangeId(db_); }
  std::vector<Change> changesAfter(std::int64_t id, int limit) override {
    return sql::changesAfter(db_, id, limit);
  }

  std::vector<Job> searchJobs(const JobQuery& query, int limit) override {
    return sql::searchJobs(db_, query, limit);
  }
  std::vector<DeliveryRecord> searchDeliveries(const DeliveryQuery& query, int limit) override {
    return sql::searchDeliveries(db_, query, limit);
  }
  std::vector<AuditRecord> listAuditOf(ContactId contact, int limit) override {
    return sql::listAuditOf(db_, contact, limit);
  }
  std::vector<Change> listChangesOf(ContactId contact, int limit) override {
    return sql::listChangesOf(db_, contact, limit);
  }
  std::vector<SessionRecord> listSessionsOf(ContactId contact, int limit) override {
    return sql::listSessionsOf(db_, contact, limit);
  }
  std::vector<LinkRecord> listLinksOf(ContactId contact, int limit) override {
    return sql::listLinksOf(db_, contact, limit);
  }
  std::vector<EmailOwner> listEmails(std::string_view prefix, int limit) override {
    return sql::listEmails(db_, prefix, limit);
  }
  std::int64_t countCredentials(CredentialOrigin origin) override {
    return sql::countCredentials(db_, origin);
  }

  bool hasTombstones() override { return sql::hasTombstones(db_); }
  bool hasTombstone(const std::string& digest) override {
    return findTombstone(digest).has_value();
  }
  std::optional<Instant> findTombstone(const std::string& digest) override {
    return sql::findTombstone(db_, digest);
  }

 protected:
  Connection& db_;
};

using SqlReader = Reads<Reader>;

class SqlTransaction final : public Reads<Transaction> {
 public:
  SqlTransaction(Connection& db, ChangeLog& log, Instant now) : Reads(db), log_(log), now_(now) {}

  Connection& connection() { return db_; }

  Instant now() const override { return now_; }

  std::optional<Contact> findContact(ContactId id) override {
    auto found = sql::findContact(db_, id, seen_);
    seenId_ = found ? id : 0;
    return found;
  }
  std::int64_t saveContact(const Contact& contact) override {
    return sql::saveContact(db_, log_, contact, writeContactDoc(contact), takeStored(contact.id),
                            now_);
  }
  bool saveContactIfChanged(const Contact& contact) override {
    const StoredContact stored = takeStored(contact.id);
    const std::string doc = writeContactDoc(contact);
    if (looksTheSame(stored, contact, doc)) return false;
    sql::saveContact(db_, log_, contact, doc, stored, now_);
    return true;
  }
  void touchContact(const Contact& contact) override {
    sql::touchContact(db_, log_, contact, now_);
  }

  void saveCredential(const Credential& credential) override {
    sql::writeCredential(db_, log_, credential, now_);
    deleteSessionsOf(credential.contactId);
  }
  void reformCredential(const Credential& credential) override {
    sql::writeCredential(db_, log_, credential, now_);
  }
  void deleteCredential(ContactId id) override {
    sql::deleteCredential(db_, log_, id, now_);
    deleteSessionsOf(id);
  }

  JobId addJob(const Job& job, bool* added) override {
    return sql::addJob(db_, log_, job, added, now_);
  }
  std::vector<Job> claimJobs(int limit, Lane lowest, Instant leaseUntil) override {
    return sql::claimJobs(db_, limit, lowest, leaseUntil, now_);
  }
  std::optional<Job> claimJob(JobId id, Instant leaseUntil) override {
    return sql::claimJob(db_, id, leaseUntil);
  }
  void releaseJobs() override { sql::releaseJobs(db_); }
  bool saveJob(const Job& job) override { return sql::saveJob(db_, log_, job, now_); }
  bool moveJob(const Job& job) override { return sql::moveJob(db_, log_, job, now_); }
  bool reviveJob(const Job& job) override { return sql::reviveJob(db_, log_, job, now_); }

  void addDelivery(const DeliveryRecord& delivery) override { sql::addDelivery(db_, delivery); }

  std::int64_t addCode(const CodeRecord& code) override {
    return sql::addCode(db_, log_, code, now_);
  }
  bool revokeCode(std::string_view name) override { return sql::revokeCode(db_, log_, name, now_); }
  std::int64_t addApiKey(const ApiKeyRecord& key) override {
    return sql::addApiKey(db_, log_, key, now_);
  }
  bool revokeApiKey(std::string_view name) override {
    return sql::revokeApiKey(db_, log_, name, now_);
  }

  void saveSession(const SessionRecord& session) override {
    sql::saveSession(db_, log_, session, now_);
  }
  void deleteSession(const std::string& digest) override {
    sql::deleteSession(db_, log_, digest, now_);
  }
  void deleteSessionsOf(ContactId id) override { sql::deleteSessionsOf(db_, log_, id, now_); }
  void moveSessions(ContactId from, ContactId to) override {
    sql::moveSessions(db_, log_, from, to, now_);
  }
  void saveLink(const LinkRecord& link) override { sql::saveLink(db_, link); }
  void deleteLinksOf(ContactId id) override { sql::deleteLinksOf(db_, id); }
  void saveIdempotency(const IdempotencyRecord& record) override {
    sql::saveIdempotency(db_, record);
  }
  void saveThrottle(const ThrottleRecord& record) override { sql::saveThrottle(db_, record); }
  void deleteThrottle(Instant failuresBefore, Instant successesBefore) override {
    sql::deleteThrottle(db_, failuresBefore, successesBefore);
  }

  void saveBudget(const BudgetRecord& budget) override { sql::saveBudget(db_, budget); }
  void saveDirectory(Directory directory, const std::vector<NamedId>& rows) override {
    sql::saveDirectory(db_, log_, directory, rows, now_);
  }
  void saveFields(const std::vector<FieldRecord>& rows) override {
    sql::saveFields(db_, log_, rows, now_);
  }
  void setMeta(std::string_view key, std::string_view value) override {
    sql::setMeta(db_, key, value);
  }

  void eraseContact(ContactId id) override {
    seenId_ = 0;
    sql::eraseContact(db_, log_, id, now_);
  }
  void addTombstones(const std::vector<std::string>& digests) override {
    sql::addTombstones(db_, digests, now_);
  }
  void deleteTombstone(const std::string& digest) override { sql::deleteTombstone(db_, digest); }
  void deleteErasure(const std::string& digest) override { sql::deleteErasure(db_, digest); }

  void openGap(std::string_view why, Instant from, Instant to, bool full) override {
    sql::openGap(db_, log_, why, from, to, full, now_);
  }
  std::int64_t addSweep(const Sweep& sweep) override {
    return sql::addSweep(db_, log_, sweep, now_);
  }
  bool saveSweep(const Sweep& sweep) override { return sql::saveSweep(db_, log_, sweep, now_); }
  void releaseSweep() override { sql::releaseSweep(db_); }
  void addAbsent(const std::vector<ContactId>& contacts) override { sql::addAbsent(db_, contacts); }
  std::vector<ContactId> takeAbsent(int limit) override { return sql::takeAbsent(db_, limit); }
  void clearAbsent() override { sql::clearAbsent(db_); }

  void addAudit(const AuditRecord& record) override { sql::addAudit(db_, record); }

  void addHistory(const std::vector<HistoryRow>& rows) override { sql::addHistory(db_, rows); }
  void thinHistory(Instant from, Instant to, Milliseconds step) override {
    sql::thinHistory(db_, from, to, step);
  }
  void pruneHistory(Instant before) override { sql::pruneHistory(db_, before); }

  void prune(Instant deliveries, Instant changes, Instant jobs, Instant audit) override {
    sql::prune(db_, deliveries, changes, jobs, audit);
    sql::pruneIdempotency(db_, now_ - std::chrono::hours{24}, kPruneBatch);
    sql::pruneLinks(db_, now_ - std::chrono::hours{24});
  }
  void purgeDeleted(Instant before) override {
    seenId_ = 0;
    sql::purgeContacts(db_, log_, before, now_);
    sql::purgeSweeps(db_, before, kPruneBatch);
  }

 private:
  // The row as it lies there. What was seen is over then, of whoever loses an e-mail too.
  StoredContact takeStored(ContactId id) {
    const bool seen = std::exchange(seenId_, 0) == id;
    return seen ? std::move(seen_) : sql::findStored(db_, id);
  }

  ChangeLog& log_;
  Instant now_;
  // The contact that was read last, as long as nothing was written to any: who reads one mostly
  // saves it next.
  ContactId seenId_ = 0;
  StoredContact seen_;
};

}  // namespace mbr::store::sql
