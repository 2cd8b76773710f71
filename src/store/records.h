// Rows that are plain values: what the store keeps beside contacts, credentials and jobs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/job.h"

namespace mbr::store {

// A webhook call that was accepted, without its body. `digest` finds copies.
struct DeliveryRecord {
  std::int64_t id = 0;
  Instant receivedAt{};
  std::string route;
  std::string eventType;
  std::string digest;  // 16 bytes
  std::optional<ContactId> contactId;
  std::string email;     // only if the body named no id
  std::string followUp;  // JSON: {"password":true,"tags":[1],"automations":[2]}; no secret
  std::string status;    // accepted, duplicate, ignored
  std::string requestId;
};

struct CodeRecord {
  std::int64_t id = 0;
  std::string name;
  std::string keyId;     // the master key its digest was made with
  std::string digest;    // 32 bytes
  std::string purposes;  // comma-separated: genpass,events,clearuser,auth,autologin
  bool isShort = false;  // a taken-over code below 16 characters
  Instant createdAt{};
  std::optional<Instant> revokedAt;
};

struct ApiKeyRecord {
  std::int64_t id = 0;
  std::string name;
  std::string prefix;  // public part, finds the row
  std::string digest;  // SHA-256, 32 bytes
  std::string scopes;  // comma-separated
  Instant createdAt{};
  std::optional<Instant> revokedAt;
};

struct SessionRecord {
  std::string digest;  // of the token, 32 bytes
  ContactId contactId = 0;
  std::string via;  // "password", "link"
  Instant createdAt{};
  Instant usedAt{};
  Instant expiresAt{};  // the absolute end
};

struct ThrottleRecord {
  std::string key;  // keyed digest of what is counted, 16 bytes
  int failures = 0;
  Instant firstFailureAt{};
  Instant lastFailureAt{};
  std::optional<Instant> succeededAt;
};

// The account's API budget, one row for all processes.
struct BudgetRecord {
  std::vector<Instant> sends;  // the last sends, oldest first
  Instant nextSlot{};          // of the evenly spaced lanes
  Instant frozenUntil{};
};

// Directories: ActiveCampaign's names by id.
struct NamedId {
  std::int64_t id = 0;
  std::string name;
};
struct FieldRecord {
  FieldId id = 0;
  std::string perstag;  // upper-case
  std::string title;
};
enum class Directory { kTags, kAutomations, kLists };

enum class ChangeKind {
  kContact = 1,
  kCredential = 2,
  kSession = 3,
  kApiKey = 4,
  kCode = 5,
  kJob = 6,
  kDirectory = 7,
  kGap = 8,      // opened, taken by a sweep, or closed
  kTouched = 9,  // bookkeeping of a contact: nothing that a site reads has changed but as_of
};

// One row of the feed that every process follows. Ids rise in commit order.
struct Change {
  std::int64_t id = 0;
  ChangeKind kind = ChangeKind::kContact;
  std::int64_t ref = 0;  // contact id, job id, row id; 0 for a whole directory
  Instant at{};
};

// Which jobs to list: those that match all that is set.
struct JobQuery {
  std::optional<JobState> state;
  std::string kind;
  // Of this contact; a job that names none is found by the e-mail in its payload.
  std::optional<ContactId> contact;
  std::string email;
};

// Which deliveries to list: those that match all that is set.
struct DeliveryQuery {
  std::optional<std::int64_t> id;
  // Of this contact; one that names none is found by its e-mail.
  std::optional<ContactId> contact;
  std::string email;
  std::optional<Instant> since;
};

struct EmailOwner {
  std::string email;
  ContactId contact = 0;
};

// What an Idempotency-Key was used for.
struct IdempotencyRecord {
  std::int64_t apiKeyId = 0;
  std::string key;
  std::string request;  // digest of method, path and body
  JobId jobId = 0;
  Instant createdAt{};
};

// A single-use link that lets a member set a password; the token's digest is what is kept.
struct LinkRecord {
  std::string digest;  // 32 bytes
  ContactId contactId = 0;
  Instant createdAt{};
  Instant expiresAt{};
  std::optional<Instant> usedAt;
};

// One value of a series of numbers over time.
struct HistoryRow {
  std::string series;
  Instant at{};
  double value = 0;
};

struct JobCounts {
  int lane = 0;
  int state = 0;
  std::int64_t count = 0;
};

struct AuditRecord {
  Instant at{};
  std::string actor;   // "key:3", "cli", "webhook"
  std::string action;  // "code_created"
  std::optional<ContactId> contactId;
  std::string detail;
  std::string requestId;
};

}  // namespace mbr::store
