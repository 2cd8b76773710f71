#include "store/sql/contact_queries.h"

#include <algorithm>
#include <iterator>

#include "store/sql/access_queries.h"
#include "store/sql/contact_doc.h"
#include "store/sql/job_queries.h"
#include "store/sql/log_queries.h"
#include "store/store.h"

namespace mbr::store::sql {
namespace {

Contact readContact(Row& row, StoredContact& stored) {
  Contact contact;
  contact.id = row.integer();
  stored.email = row.text();
  if (!stored.email.empty()) contact.email = Email::parse(stored.email);
  stored.doc = row.text();
  const std::string_view ownChanges = row.view();
  contact.version = stored.version = row.integer();
  contact.changedAt = row.instant();
  contact.updatedAt = row.maybeInstant();
  contact.eventAt = row.maybeInstant();
  contact.asOf = row.instant();
  contact.pulledAt = row.maybeInstant();
  contact.confirmed = row.flag();
  contact.deletedAt = row.maybeInstant();
  stored.deleted = contact.deletedAt.has_value();
  if (!readContactDoc(stored.doc, contact) || !readOwnChanges(ownChanges, contact.ownChanges)) {
    throw Failed(
        Error{Code::kInternal, "store: unreadable row of contact " + std::to_string(contact.id)});
  }
  return contact;
}

// Takes the e-mail from whoever holds it and gives it to `id`.
void takeEmail(Connection& db, ChangeLog& log, const std::string& email, ContactId id,
               Instant now) {
  const ContactId owner =
      db.integer("SELECT contact_id FROM email_owner WHERE email = ?1", {email});
  if (owner == id) return;
  if (owner != 0) {
    db.run("UPDATE contact SET email = NULL, version = version + 1, changed_at = ?2 WHERE id = ?1",
           {owner, now});
    log.add(ChangeKind::kContact, owner, now);
  }
  db.run(
      "INSERT INTO email_owner (email, contact_id) VALUES (?1, ?2) "
      "ON CONFLICT (email) DO UPDATE SET contact_id = excluded.contact_id",
      {email, id});
}

void moveTags(Connection& db, ContactId id, const std::vector<TagId>& from,
              const std::vector<TagId>& to) {
  std::vector<TagId> gone;
  std::vector<TagId> come;
  std::set_difference(from.begin(), from.end(), to.begin(), to.end(), std::back_inserter(gone));
  std::set_difference(to.begin(), to.end(), from.begin(), from.end(), std::back_inserter(come));
  for (const TagId tag : gone) {
    db.run("DELETE FROM contact_tag WHERE tag_id = ?1 AND contact_id = ?2", {tag, id});
  }
  for (const TagId tag : come) {
    db.run("INSERT OR IGNORE INTO contact_tag (tag_id, contact_id) VALUES (?1, ?2)", {tag, id});
  }
}

}  // namespace

std::optional<Contact> findContact(Connection& db, ContactId id) {
  StoredContact stored;
  return findContact(db, id, stored);
}

std::optional<Contact> findContact(Connection& db, ContactId id, StoredContact& stored) {
  std::optional<Contact> found;
  db.query(
      "SELECT id, email, doc, own_changes, version, changed_at, updated_at, event_at, as_of, "
      "pulled_at, confirmed, deleted_at FROM contact WHERE id = ?1",
      {id}, [&](Row& row) { found = readContact(row, stored); });
  return found;
}

std::optional<Contact> findContactByEmail(Connection& db, const Email& email) {
  const ContactId owner =
      db.integer("SELECT contact_id FROM email_owner WHERE email = ?1", {email.text()});
  if (owner == 0) return std::nullopt;
  return findContact(db, owner);
}

std::vector<ContactId> contactsWithTag(Connection& db, TagId tag, int limit) {
  std::vector<ContactId> contacts;
  db.query("SELECT contact_id FROM contact_tag WHERE tag_id = ?1 ORDER BY contact_id LIMIT ?2",
           {tag, limit}, [&](Row& row) { contacts.push_back(row.integer()); });
  return contacts;
}

std::vector<ContactId> contactIds(Connection& db, ContactId after, ContactId upTo, int limit) {
  std::vector<ContactId> contacts;
  db.query(
      "SELECT id FROM contact WHERE id > ?1 AND id <= ?2 AND deleted_at IS NULL ORDER BY id "
      "LIMIT ?3",
      {after, upTo, limit}, [&](Row& row) { contacts.push_back(row.integer()); });
  return contacts;
}

bool hasContactUpdatedIn(Connection& db, Instant from, Instant to) {
  // Reads the whole table if there is none: an index would cost each webhook, and this is rare.
  return db.integer(
             "SELECT 1 FROM contact WHERE updated_at >= ?1 AND updated_at < ?2 "
             "AND +deleted_at IS NULL LIMIT 1",
             {from, to}) != 0;
}

std::int64_t countContacts(Connection& db) {
  return db.integer("SELECT count(*) FROM contact WHERE deleted_at IS NULL");
}

StoredContact findStored(Connection& db, ContactId id) {
  StoredContact stored;
  db.query("SELECT email, version, doc, deleted_at IS NOT NULL FROM contact WHERE id = ?1", {id},
           [&](Row& row) {
             stored.email = row.text();
             stored.version = row.integer();
             stored.doc = row.text();
             stored.deleted = row.flag();
           });
  return stored;
}

bool looksTheSame(const StoredContact& stored, const Contact& contact, const std::string& doc) {
  const std::string_view email = contact.email ? std::string_view(contact.email->text()) : "";
  return stored.version != 0 && stored.email == email && stored.doc == doc &&
         stored.deleted == contact.deletedAt.has_value();
}

std::int64_t saveContact(Connection& db, ChangeLog& log, const Contact& contact,
                         const std::string& doc, const StoredContact& stored, Instant now) {
  const std::int64_t version = stored.version + 1;
  std::optional<std::string_view> email;
  if (contact.email) email = contact.email->text();
  if (email.value_or("") != stored.email) {
    if (!stored.email.empty()) {
      db.run("DELETE FROM email_owner WHERE email = ?1 AND contact_id = ?2",
             {stored.email, contact.id});
    }
    if (email) takeEmail(db, log, contact.email->text(), contact.id, now);
  }
  moveTags(db, contact.id, tagsOfDoc(stored.doc), contact.tags);

  const std::string ownChanges = writeOwnChanges(contact.ownChanges);
  if (version == 1) {
    db.run(
        "INSERT INTO contact (id, email, doc, own_changes, version, changed_at, updated_at, "
        "event_at, as_of, pulled_at, confirmed, deleted_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        {contact.id, email, doc, ownChanges, version, contact.changedAt, contact.updatedAt,
         contact.eventAt, contact.asOf, contact.pulledAt, contact.confirmed, contact.deletedAt});
  } else {
    db.run(
        "UPDATE contact SET email = ?2, doc = ?3, own_changes = ?4, version = ?5, "
        "changed_at = ?6, updated_at = ?7, event_at = ?8, as_of = ?9, pulled_at = ?10, "
        "confirmed = ?11 WHERE id = ?1",
        {contact.id, email, doc, ownChanges, version, contact.changedAt, contact.updatedAt,
         contact.eventAt, contact.asOf, contact.pulledAt, contact.confirmed});
    // Apart from the rest: a statement that names it writes its index anew, for each webhook.
    if (stored.deleted || contact.deletedAt) {
      db.run("UPDATE contact SET deleted_at = ?2 WHERE id = ?1", {contact.id, contact.deletedAt});
    }
  }
  log.add(ChangeKind::kContact, contact.id, now);
  return version;
}

void touchContact(Connection& db, ChangeLog& log, const Contact& contact, Instant now) {
  const std::string ownChanges = writeOwnChanges(contact.ownChanges);
  const std::size_t touched = db.run(
      "UPDATE contact SET own_changes = ?2, updated_at = ?3, event_at = ?4, as_of = ?5, "
      "pulled_at = ?6, confirmed = ?7 WHERE id = ?1",
      {contact.id, ownChanges, contact.updatedAt, contact.eventAt, contact.asOf, contact.pulledAt,
       contact.confirmed});
  if (touched != 0) log.add(ChangeKind::kTouched, contact.id, now);
}

std::vector<EmailOwner> listEmails(Connection& db, std::string_view prefix, int limit) {
  std::vector<EmailOwner> owners;
  // Along the primary key; 0xF5 is above every byte of UTF-8, so it ends what begins with the
  // prefix.
  db.query(
      "SELECT email, contact_id FROM email_owner WHERE email >= ?1 AND email < ?1 || x'F5' "
      "ORDER BY email LIMIT ?2",
      {prefix, limit}, [&](Row& row) {
        EmailOwner owner;
        owner.email = row.text();
        owner.contact = row.integer();
        owners.push_back(std::move(owner));
      });
  return owners;
}

std::optional<Credential> findCredential(Connection& db, ContactId id) {
  std::optional<Credential> found;
  db.query(
      "SELECT contact_id, kind, origin, hash, source, changed_at, wiped_at FROM credential "
      "WHERE contact_id = ?1",
      {id}, [&](Row& row) {
        Credential credential;
        credential.contactId = row.integer();
        credential.kind = static_cast<CredentialKind>(row.integer());
        credential.origin = static_cast<CredentialOrigin>(row.integer());
        credential.hash = row.bytes();
        credential.source = row.bytes();
        credential.changedAt = row.instant();
        credential.wipedAt = row.maybeInstant();
        found = std::move(credential);
      });
  return found;
}

std::int64_t countCredentials(Connection& db, CredentialOrigin origin) {
  return db.integer("SELECT count(*) FROM credential WHERE origin = ?1", {origin});
}

void writeCredential(Connection& db, ChangeLog& log, const Credential& credential, Instant now) {
  db.run(
      "INSERT OR REPLACE INTO credential "
      "(contact_id, kind, origin, hash, source, changed_at, wiped_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      {credential.contactId, credential.kind, credential.origin, Bytes(credential.hash),
       Bytes(credential.source), credential.changedAt, credential.wipedAt});
  log.add(ChangeKind::kCredential, credential.contactId, now);
}

void deleteCredential(Connection& db, ChangeLog& log, ContactId id, Instant now) {
  if (db.run("DELETE FROM credential WHERE contact_id = ?1", {id}) != 0) {
    log.add(ChangeKind::kCredential, id, now);
  }
}

void eraseContact(Connection& db, ChangeLog& log, ContactId id, Instant now) {
  std::string email;
  std::vector<TagId> tags;
  const bool known = db.query("SELECT email, doc FROM contact WHERE id = ?1", {id}, [&](Row& row) {
    email = row.text();
    tags = tagsOfDoc(row.text());
  }) != 0;
  eraseJobsOf(db, log, id, email, now);
  eraseFromLogs(db, id, email);
  deleteLinksOf(db, id);
  deleteCredential(db, log, id, now);
  deleteSessionsOf(db, log, id, now);
  db.run("DELETE FROM absent WHERE contact_id = ?1", {id});
  if (!known) return;
  moveTags(db, id, tags, {});
  db.run("DELETE FROM email_owner WHERE email = ?1 AND contact_id = ?2", {email, id});
  db.run("DELETE FROM contact WHERE id = ?1", {id});
  log.add(ChangeKind::kContact, id, now);
}

void purgeContacts(Connection& db, ChangeLog& log, Instant before, Instant now) {
  struct Doomed {
    ContactId id;
    std::string email;
    std::vector<TagId> tags;
  };
  std::vector<Doomed> doomed;
  db.query(
      "SELECT id, email, doc FROM contact WHERE deleted_at < ?1 ORDER BY deleted_at, id LIMIT ?2",
      {before, kPurgeBatch}, [&](Row& row) {
        Doomed contact;
        contact.id = row.integer();
        contact.email = row.text();
        contact.tags = tagsOfDoc(row.text());
        doomed.push_back(std::move(contact));
      });
  if (doomed.empty()) return;
  // All of them at once, since links have no index by contact.
  db.run(
      "DELETE FROM link WHERE contact_id IN (SELECT id FROM contact WHERE deleted_at < ?1 "
      "ORDER BY deleted_at, id LIMIT ?2)",
      {before, kPurgeBatch});
  for (const Doomed& contact : doomed) {
    moveTags(db, contact.id, contact.tags, {});
    if (!contact.email.empty()) {
      db.run("DELETE FROM email_owner WHERE email = ?1 AND contact_id = ?2",
             {contact.email, contact.id});
    }
    deleteCredential(db, log, contact.id, now);
    deleteSessionsOf(db, log, contact.id, now);
    db.run("DELETE FROM contact WHERE id = ?1", {contact.id});
    log.add(ChangeKind::kContact, contact.id, now);
  }
}

}  // namespace mbr::store::sql
