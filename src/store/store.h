// The port to the database. Every room above speaks to this, none to SQL.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/contact.h"
#include "domain/credential.h"
#include "domain/gap.h"
#include "domain/job.h"
#include "store/records.h"

namespace mbr::store {

// Unwinds a piece of work whose database call failed. Store::read and Store::write turn it into
// its Error and roll back; nobody else catches it.
class Failed : public std::runtime_error {
 public:
  explicit Failed(Error error);
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// Reads within one consistent view. Valid only inside the work it was given to, on that thread.
// A call throws Failed if the database does not answer.
class Reader {
 public:
  virtual ~Reader() = default;

  virtual std::optional<Contact> findContact(ContactId id) = 0;
  // The contact that was last confirmed to own the e-mail. Deleted ones are found too.
  virtual std::optional<Contact> findContactByEmail(const Email& email) = 0;
  virtual std::vector<ContactId> contactsWithTag(TagId tag, int limit) = 0;
  // Ids in (after, upTo] of contacts that are not deleted, ascending.
  virtual std::vector<ContactId> contactIds(ContactId after, ContactId upTo, int limit) = 0;
  // Whether the udate of a contact that is not deleted lies in [from, to). May read all contacts.
  virtual bool hasContactUpdatedIn(Instant from, Instant to) = 0;
  virtual std::int64_t countContacts() = 0;

  virtual std::optional<Credential> findCredential(ContactId id) = 0;

  virtual std::optional<Job> findJob(JobId id) = 0;
  virtual std::optional<Job> findOpenJob(std::string_view kind, std::string_view key) = 0;
  virtual bool hasOpenJob(std::string_view kind, ContactId contact) = 0;
  // When the next queued job of a lane up to `lowest` is due, or the lease of a running one ends;
  // nothing if there is none.
  virtual std::optional<Instant> nextJobDue(Lane lowest) = 0;
  virtual std::vector<JobCounts> countJobs() = 0;  // open and dead ones
  virtual std::vector<Job> listJobs(JobState state, int limit) = 0;
  // Queued jobs of a kind that are due at `now` and could be claimed, the oldest due first.
  virtual std::vector<Job> listDueJobs(std::string_view kind, Instant now, int limit) = 0;
  virtual std::vector<Job> listOpenJobsOf(ContactId contact) = 0;

  // Whether one with this digest and a follow-up of its own was received at or after `since`.
  virtual bool hasDelivery(const std::string& digest, Instant since) = 0;
  // When the newest delivery of a route was received. Looks at the newest 10,000 only.
  virtual std::optional<Instant> lastDeliveryAt(std::string_view route) = 0;

  virtual std::vector<Gap> listOpenGaps() = 0;          // open and working, oldest first
  virtual std::vector<Gap> listGaps(int limit) = 0;     // newest first
  virtual std::optional<Sweep> findRunningSweep() = 0;  // there is at most one
  virtual std::optional<Sweep> findSweep(std::int64_t id) = 0;
  virtual std::vector<Sweep> listSweeps(int limit) = 0;  // newest first
  // Contacts that the last full sweep did not see, see addAbsent().
  virtual std::int64_t countAbsent() = 0;

  virtual std::vector<CodeRecord> listCodes() = 0;      // revoked ones too
  virtual std::vector<ApiKeyRecord> listApiKeys() = 0;  // revoked ones too
  virtual std::optional<SessionRecord> findSession(const std::string& digest) = 0;
  virtual std::vector<ThrottleRecord> listThrottle(Instant newerThan, int limit) = 0;
  // Contacts with a session used since then whose last pull was sent before `pulledBefore`.
  virtual std::vector<ContactId> listVisitors(Instant usedSince, Instant pulledBefore,
                                              int limit) = 0;
  virtual std::optional<LinkRecord> findLink(const std::string& digest) = 0;
  virtual std::optional<ThrottleRecord> findThrottle(const std::string& key) = 0;
  virtual std::optional<IdempotencyRecord> findIdempotency(std::int64_t apiKeyId,
                                                           const std::string& key) = 0;

  // The newest row of a series that is not later than `at`.
  virtual std::optional<HistoryRow> findHistory(std::string_view series, Instant at) = 0;
  // Of the rows of a series at or after `since`, oldest first, the last one of each `step`; steps
  // are counted from the Unix epoch.
  virtual std::vector<HistoryRow> readHistory(std::string_view series, Instant since,
                                              Milliseconds step) = 0;

  virtual BudgetRecord loadBudget() = 0;
  virtual std::vector<NamedId> listDirectory(Directory directory) = 0;
  virtual std::vector<FieldRecord> listFields() = 0;
  virtual std::optional<std::string> findMeta(std::string_view key) = 0;

  virtual std::int64_t firstChangeId() = 0;  // of the oldest row that is kept; 0 if there is none
  virtual std::int64_t lastChangeId() = 0;
  virtual std::vector<Change> changesAfter(std::int64_t id, int limit) = 0;

  // Whether there is any: costs next to nothing.
  virtual bool hasTombstones() = 0;
  virtual bool hasTombstone(const std::string& digest) = 0;
  // When the erasure happened; nothing without a tombstone.
  virtual std::optional<Instant> findTombstone(const std::string& digest) = 0;

  // What people ask, newest first. It is asked seldom, so that most of it has no index and may read
  // a table whole.
  virtual std::vector<Job> searchJobs(const JobQuery& query, int limit) = 0;
  virtual std::vector<DeliveryRecord> searchDeliveries(const DeliveryQuery& query, int limit) = 0;
  virtual std::vector<AuditRecord> listAuditOf(ContactId contact, int limit) = 0;
  virtual std::vector<Change> listChangesOf(ContactId contact, int limit) = 0;  // kinds 1 to 3
  virtual std::vector<SessionRecord> listSessionsOf(ContactId contact, int limit) = 0;
  virtual std::vector<LinkRecord> listLinksOf(ContactId contact, int limit) = 0;
  // E-mails that begin with `prefix`, in their own order.
  virtual std::vector<EmailOwner> listEmails(std::string_view prefix, int limit) = 0;
  virtual std::int64_t countCredentials(CredentialOrigin origin) = 0;
};

// Reads and writes of one piece of work; all of it or nothing is committed.
class Transaction : public Reader {
 public:
  // The time of this transaction: the same for all its rows.
  virtual Instant now() const = 0;

  // Inserts or replaces by id, sets version to the stored version + 1 and changedAt to `changedAt`
  // of the argument, moves the tag index and the e-mail index, and appends a change. A contact
  // that held the same e-mail and is another one loses it. The new version is returned.
  virtual std::int64_t saveContact(const Contact& contact) = 0;
  // The same if a reader would see the difference (sameData() of the row and the argument is
  // false). False, and nothing is written, if not.
  virtual bool saveContactIfChanged(const Contact& contact) = 0;
  // Bookkeeping of a pull that changed nothing a reader sees (asOf, pulledAt, confirmed, updatedAt,
  // own changes): the version stays, caches are told.
  virtual void touchContact(const Contact& contact) = 0;

  virtual void saveCredential(const Credential& credential) = 0;  // ends the contact's sessions
  // The same password in another form (fast to slow, source erased): sessions stay.
  virtual void reformCredential(const Credential& credential) = 0;
  virtual void deleteCredential(ContactId id) = 0;  // and its sessions

  // Assigns the id. With a key: if a job of that kind and key is open, that one's id is returned
  // and nothing is added (`*added` tells).
  virtual JobId addJob(const Job& job, bool* added = nullptr) = 0;
  // Claims due queued jobs, and running ones whose lease ended, of the lanes up to `lowest`: first
  // the lane that goes first, in it the oldest due. Of one contact's jobs of one kind only the
  // oldest open one can be claimed.
  virtual std::vector<Job> claimJobs(int limit, Lane lowest, Instant leaseUntil) = 0;
  // Running jobs are queued again, their leases are void. For a process that knows that it is the
  // only one to run jobs.
  virtual void releaseJobs() = 0;
  // Writes payload, sealed, lane, dueAt, attempts, reason, result, state and lease of an open job.
  // Ending it releases (kDone, kRefused) or kills (kDead, kDropped) the jobs that wait for it.
  // False if the row is no longer open or, for a running job, its lease is no longer `job`'s.
  virtual bool saveJob(const Job& job) = 0;

  virtual void addDelivery(const DeliveryRecord& delivery) = 0;

  // Claims one queued job, due or not; nothing if it is not queued or another of its contact goes
  // first.
  virtual std::optional<Job> claimJob(JobId id, Instant leaseUntil) = 0;
  // Writes contact, key and payload of an open job that is not running: its contact has another id
  // now. False, and nothing is done, if it is not, or such a job is open already.
  virtual bool moveJob(const Job& job) = 0;
  // Opens a dead job again, with the payload and state (kWaiting, kQueued) of `job`, as one that
  // begins now. False, and nothing is done, if it is not dead, or one of its kind and key is open.
  virtual bool reviveJob(const Job& job) = 0;

  virtual std::int64_t addCode(const CodeRecord& code) = 0;
  virtual bool revokeCode(std::string_view name) = 0;  // false if there is none in force
  virtual std::int64_t addApiKey(const ApiKeyRecord& key) = 0;
  virtual bool revokeApiKey(std::string_view name) = 0;

  virtual void saveSession(const SessionRecord& session) = 0;
  virtual void deleteSession(const std::string& digest) = 0;
  virtual void deleteSessionsOf(ContactId id) = 0;
  virtual void moveSessions(ContactId from, ContactId to) = 0;
  virtual void saveLink(const LinkRecord& link) = 0;  // by digest
  virtual void deleteLinksOf(ContactId id) = 0;
  virtual void saveIdempotency(const IdempotencyRecord& record) = 0;  // by key, replacing
  virtual void saveThrottle(const ThrottleRecord& record) = 0;
  // Rows whose last failure is older than the one and whose success, if any, than the other.
  virtual void deleteThrottle(Instant failuresBefore, Instant successesBefore) = 0;

  virtual void saveBudget(const BudgetRecord& budget) = 0;
  virtual void saveDirectory(Directory directory, const std::vector<NamedId>& rows) = 0;
  virtual void saveFields(const std::vector<FieldRecord>& rows) = 0;
  virtual void setMeta(std::string_view key, std::string_view value) = 0;

  // Removes everything that is kept of a contact, whatever its state: row, tags, e-mail,
  // credential, sessions, links; its open jobs are dropped, and payload, result and key of all its
  // jobs emptied, of those that know it by its e-mail only as well; deliveries and audit rows lose
  // the name. Appends its changes.
  virtual void eraseContact(ContactId id) = 0;
  // One erasure with all the digests it goes by. A digest that has a tombstone gets the new time,
  // and what was erased with it joins this erasure.
  virtual void addTombstones(const std::vector<std::string>& digests) = 0;
  virtual void deleteTombstone(const std::string& digest) = 0;  // this one alone
  virtual void deleteErasure(const std::string& digest) = 0;    // all that were added with it

  // One gap of a reason is open at a time: a second one widens it. Appends a change.
  virtual void openGap(std::string_view why, Instant from, Instant to, bool full = false) = 0;
  // Begins a sweep, which works off all open gaps from now on; those that worked under a sweep that
  // was given up come along. A sweep must not be running. Appends a change.
  virtual std::int64_t addSweep(const Sweep& sweep) = 0;
  // Writes all of a running sweep's row; kDone closes its gaps, kGivenUp leaves them working.
  // False, and nothing is written, if it has ended or another holder's lease on it lasts. Appends a
  // change when it ends.
  virtual bool saveSweep(const Sweep& sweep) = 0;
  // Voids the lease of the running sweep; as releaseJobs().
  virtual void releaseSweep() = 0;
  virtual void addAbsent(const std::vector<ContactId>& contacts) = 0;
  virtual std::vector<ContactId> takeAbsent(int limit) = 0;  // and forgets them
  virtual void clearAbsent() = 0;

  virtual void addAudit(const AuditRecord& record) = 0;

  // A row of the same series and instant is replaced.
  virtual void addHistory(const std::vector<HistoryRow>& rows) = 0;
  // Leaves, of each series' rows in [from, to), the last one of each `step` from the Unix epoch.
  virtual void thinHistory(Instant from, Instant to, Milliseconds step) = 0;
  // Removes rows older than that.
  virtual void pruneHistory(Instant before) = 0;

  // Deliveries, changes, ended jobs and audit rows older than these; idempotency keys and used or
  // expired links of more than a day ago.
  virtual void prune(Instant deliveries, Instant changes, Instant jobs, Instant audit) = 0;
  // Removes contacts that were marked deleted before then, with everything that is theirs, and
  // closed gaps and ended sweeps of before then; a bounded number at a time.
  virtual void purgeDeleted(Instant before) = 0;
};

// Thread-safe. One writer works off what is submitted, in order, and commits waiting pieces
// together, each in a savepoint of its own: one that fails fails alone.
class Store {
 public:
  using Work = std::function<Outcome(Transaction&)>;
  using ReadWork = std::function<Outcome(Reader&)>;
  using DoneFn = std::function<void(Outcome)>;
  // Called on the writer's thread with what a commit changed, of this process or of another one,
  // after the commit and before any `done`. Must be short and must not call the store.
  using Listener = std::function<void(const std::vector<Change>&)>;

  virtual ~Store() = default;

  // Queues `work`, which runs at most once, and calls `done` on the writer's thread after the
  // commit: success means that it is on disk (synchronous=FULL). An Error returned by `work` rolls
  // it back and is handed to `done`. Errors of the store itself: kUnavailable (rolled back), kBusy
  // (too many pieces wait; nothing was queued). `done` must be short and must not wait.
  virtual void submit(Work work, DoneFn done) = 0;

  // As submit(), but ahead of what was submitted otherwise and with room of its own in the queue:
  // for what somebody who logs in waits for, while a flood may wait. A store without a queue takes
  // both alike.
  virtual void submitAhead(Work work, DoneFn done) { submit(std::move(work), std::move(done)); }

  // Submit and wait, for threads that may: these abort on a fast worker. write() may give way to
  // logins for a moment; writeAhead() is for what somebody waits for, as submitAhead() is.
  virtual Outcome write(Work work) = 0;
  virtual Outcome writeAhead(Work work) { return write(std::move(work)); }

  // Runs `work` on the caller's thread with a reader's session. Errors: kUnavailable.
  virtual Outcome read(const ReadWork& work) = 0;

  // Before any thread uses the store.
  virtual void subscribe(Listener listener) = 0;
};

}  // namespace mbr::store
