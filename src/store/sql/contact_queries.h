// Contacts with their e-mail and tag indexes, and credentials.
#pragma once

#include "domain/contact.h"
#include "domain/credential.h"
#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::optional<Contact> findContact(Connection& db, ContactId id);
std::optional<Contact> findContactByEmail(Connection& db, const Email& email);
std::vector<ContactId> contactsWithTag(Connection& db, TagId tag, int limit);
std::vector<ContactId> contactIds(Connection& db, ContactId after, ContactId upTo, int limit);
bool hasContactUpdatedIn(Connection& db, Instant from, Instant to);
std::int64_t countContacts(Connection& db);
std::vector<EmailOwner> listEmails(Connection& db, std::string_view prefix, int limit);
std::optional<Credential> findCredential(Connection& db, ContactId id);
std::int64_t countCredentials(Connection& db, CredentialOrigin origin);

// What saving a contact needs to know of its row; a version of 0 if there is none.
struct StoredContact {
  std::string email;
  std::int64_t version = 0;
  std::string doc;
  bool deleted = false;
};
// The contact, and the same as it lies there.
std::optional<Contact> findContact(Connection& db, ContactId id, StoredContact& stored);
StoredContact findStored(Connection& db, ContactId id);
// `doc`: of the contact, as writeContactDoc() has it.
bool looksTheSame(const StoredContact& stored, const Contact& contact, const std::string& doc);
std::int64_t saveContact(Connection& db, ChangeLog& log, const Contact& contact,
                         const std::string& doc, const StoredContact& stored, Instant now);
void touchContact(Connection& db, ChangeLog& log, const Contact& contact, Instant now);

void writeCredential(Connection& db, ChangeLog& log, const Credential& credential, Instant now);
void deleteCredential(Connection& db, ChangeLog& log, ContactId id, Instant now);

// Removes all that is kept of one contact.
void eraseContact(Connection& db, ChangeLog& log, ContactId id, Instant now);

// Removes the contacts that were marked deleted longest ago, before then, with all that is theirs.
// At most kPurgeBatch at once, which holds the writer up for less than 100 ms: each one lies on
// some ten pages.
constexpr int kPurgeBatch = 500;
void purgeContacts(Connection& db, ChangeLog& log, Instant before, Instant now);

}  // namespace mbr::store::sql
