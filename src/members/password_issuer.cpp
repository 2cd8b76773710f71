#include "members/password_issuer.h"

#include <algorithm>

namespace mbr::members {
namespace {

constexpr std::string_view kAskedFor = R"({"asked_for":true})";

}  // namespace

PasswordIssuer::PasswordIssuer(passwords::Generator& generator, const passwords::Hasher& hasher,
                               const passwords::Sealer& sealer, const Clock& clock, Options options)
    : generator_(generator), hasher_(hasher), sealer_(sealer), clock_(clock), options_(options) {}

FieldDecision PasswordIssuer::decide(store::Reader& reader, ContactId contact,
                                     const Secret& fieldText, Instant readSentAt,
                                     bool jobOpen) const {
  const auto credential = reader.findCredential(contact);
  FieldReading field;
  field.empty = fieldText.empty();
  field.isOurLink = PasswordLinks::isLink(fieldText);
  field.linkInForce =
      field.isOurLink && options_.links != nullptr &&
      options_.links->ownerOfLink(reader, fieldText, clock_.now()) == std::optional(contact);
  field.equalsSource = credential && isSource(*credential, fieldText);
  // An instant ahead of now was written before the clock was set back, and says nothing.
  const auto isNewer = [&](Instant at) {
    return at >= readSentAt && at <= clock_.now() + std::chrono::seconds{2};
  };
  const bool newer = credential && (isNewer(credential->changedAt) ||
                                    (credential->wipedAt && isNewer(*credential->wipedAt)));
  return decideField(field, credential.has_value(), jobOpen, newer, options_.policy);
}

void PasswordIssuer::adoptIfNew(store::Transaction& tx, ContactId contact, const Secret& fieldText,
                                Instant readSentAt, bool jobOpen) const {
  const auto decision = decide(tx, contact, fieldText, readSentAt, jobOpen);
  if (decision == FieldDecision::kAdopt) adopt(tx, contact, fieldText);
  // One whose wipe was lost, or that is older than the policy, is found here.
  if (decision == FieldDecision::kNothingToDo && !fieldText.empty()) scheduleWipe(tx, contact);
}

void PasswordIssuer::adopt(store::Transaction& tx, ContactId contact,
                           const Secret& fieldText) const {
  saveFast(tx, contact, fieldText, CredentialOrigin::kAdopted);
  scheduleWipe(tx, contact);
}

void PasswordIssuer::move(store::Transaction& tx, ContactId from, ContactId to) const {
  const auto credential = tx.findCredential(from);
  if (!credential || tx.findCredential(to)) return;
  tx.reformCredential(passwords::Hasher::moved(*credential, to));
}

void PasswordIssuer::saveFast(store::Transaction& tx, ContactId contact, const Secret& password,
                              CredentialOrigin origin) const {
  Credential credential = hasher_.makeFast(contact, password, origin, clock_.now());
  credential.source = hasher_.sourceDigest(password);
  tx.saveCredential(credential);
}

Secret PasswordIssuer::issue(store::Transaction& tx, Job& job, PasswordPayload& payload,
                             ContactId contact) const {
  Secret password;
  auto origin = CredentialOrigin::kGenerated;
  if (payload.hasDefault) {
    // A default_pass that no longer opens (its master key is gone) is replaced by a generated one.
    if (auto opened = sealer_.open(job.sealed, 0)) {
      password = std::move(*opened);
      origin = CredentialOrigin::kDefault;
    }
  }
  if (password.empty() && issuesLink(payload)) {
    password = options_.links->mint(tx, contact).url;
  } else {
    if (password.empty()) password = generator_.next();
    if (payload.autoregister) saveFast(tx, contact, password, origin);
  }
  payload.issued = true;
  payload.hasDefault = false;
  job.sealed = sealer_.seal(password, contact);
  return password;
}

bool PasswordIssuer::issuesLink(const PasswordPayload& payload) const {
  if (options_.links == nullptr || !options_.links->available()) return false;
  if (payload.wish == PasswordPayload::Wish::kLink) return true;
  // Without a local member there is nobody to set a password.
  return options_.policy == PasswordPolicy::kLink && payload.autoregister;
}

bool PasswordIssuer::wipes() const {
  return options_.policy == PasswordPolicy::kWipeAfter ||
         options_.policy == PasswordPolicy::kWipeOnLogin;
}

Instant PasswordIssuer::wipeDue(const Credential& credential) const {
  return options_.policy == PasswordPolicy::kWipeAfter ? credential.changedAt + options_.wipeAfter
                                                       : clock_.now();
}

void PasswordIssuer::scheduleWipe(store::Transaction& tx, ContactId contact) const {
  if (options_.policy != PasswordPolicy::kWipeAfter) return;
  const auto credential = tx.findCredential(contact);
  if (!credential || credential->source.empty()) return;
  enqueueWipe(tx, contact, std::max(tx.now(), wipeDue(*credential)));
}

void PasswordIssuer::enqueueWipe(store::Transaction& tx, ContactId contact, Instant due) {
  Job job;
  job.kind = kWipeJob;
  job.lane = Lane::kReconcile;
  job.contactId = contact;
  job.key = contactKey(contact, "");
  job.payload = "{}";
  job.createdAt = job.dueAt = due;  // its life begins when it is due
  tx.addJob(job);
}

Result<JobId> PasswordIssuer::wipeNow(store::Transaction& tx, ContactId contact) {
  const auto credential = tx.findCredential(contact);
  if (!credential || credential->source.empty()) {
    return Error{Code::kNotFound, "nothing of Membergate's lies in the contact's field"};
  }
  enqueueWipe(tx, contact, tx.now());  // or one is open that is due later
  auto job = *tx.findOpenJob(kWipeJob, contactKey(contact, ""));
  if (job.state == JobState::kRunning) {
    return Error{Code::kConflict, "a wipe of this contact is under way"};
  }
  job.payload = kAskedFor;
  job.dueAt = tx.now();
  (void)tx.saveJob(job);  // it is open in this very view
  return job.id;
}

bool PasswordIssuer::isAskedFor(const Job& wipe) { return wipe.payload == kAskedFor; }

bool PasswordIssuer::isSource(const Credential& credential, const Secret& fieldText) const {
  return hasher_.sourceEquals(credential.source, fieldText);
}

void PasswordIssuer::forgetSource(store::Transaction& tx, ContactId contact) {
  auto credential = tx.findCredential(contact);
  if (!credential) return;
  wipe(credential->source);
  credential->wipedAt = tx.now();
  tx.reformCredential(*credential);
}

Result<Secret> PasswordIssuer::sealedPassword(const Job& job, ContactId contact) const {
  return sealer_.open(job.sealed, contact);
}

}  // namespace mbr::members
