#include "members/link_tokens.h"

#include "base/encoding.h"
#include "members/job_payload.h"

namespace mbr::members {
namespace {

constexpr std::size_t kTokenBytes = 16;

}  // namespace

void LinkTokens::conceal(ContactId contact, FieldValues& fields) const {
  const auto field = fields.find(field_);
  if (field == fields.end() || field->second.empty()) return;
  field->second = digest(contact, field->second);
}

std::string LinkTokens::digest(ContactId contact, std::string_view token) const {
  std::string bytes = std::to_string(contact) + '\n';
  bytes += token;
  std::string digest = toBase64Url(mac("link-token-digest", bytes));
  wipe(bytes);
  return digest;
}

bool LinkTokens::isKnown(const Contact& contact) const {
  const auto kept = contact.fields.find(field_);
  return kept != contact.fields.end() && !kept->second.empty();
}

bool LinkTokens::matches(const Contact& contact, std::string_view token) const {
  const auto kept = contact.fields.find(field_);
  return kept != contact.fields.end() && !token.empty() &&
         equalInConstantTime(kept->second, digest(contact.id, token));
}

Secret LinkTokens::make(ContactId contact, JobId job) const {
  const std::string bytes = std::to_string(contact) + '\n' + std::to_string(job);
  const Secret token = Secret::take(mac("link-token", bytes));
  return Secret::take(toBase64Url(std::string_view(token.reveal()).substr(0, kTokenBytes)));
}

// Under the oldest key, so that links outlive a rotation.
std::string LinkTokens::mac(std::string_view purpose, std::string_view bytes) const {
  return keys_.mac(purpose, bytes, keys_.oldestId()).value();
}

void enqueueLinkToken(store::Transaction& tx, ContactId contact) {
  if (!tx.findCredential(contact)) return;
  Job job;
  job.kind = kLinkTokenJob;
  job.lane = Lane::kBackfill;
  job.contactId = contact;
  job.key = contactKey(contact, "");
  job.payload = "{}";
  job.createdAt = job.dueAt = tx.now();
  tx.addJob(job);
}

void saveLinkToken(store::Transaction& tx, const LinkTokens& tokens, ContactId id,
                   const Secret& token) {
  auto contact = tx.findContact(id);
  if (!contact) return;
  OwnChange change;
  change.kind = OwnChange::Kind::kField;
  change.field = tokens.field();
  change.value = tokens.digest(id, token.reveal());
  change.at = tx.now();
  contact->fields[change.field] = change.value;
  contact->ownChanges.push_back(change);
  contact->changedAt = change.at;
  tx.saveContact(*contact);
}

}  // namespace mbr::members
