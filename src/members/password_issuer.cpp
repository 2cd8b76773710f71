#include "members/password_issuer.h"

namespace mbr::members {

PasswordIssuer::PasswordIssuer(passwords::Generator& generator, const passwords::Hasher& hasher,
                               const passwords::Sealer& sealer, const Clock& clock,
                               PasswordPolicy policy)
    : generator_(generator), hasher_(hasher), sealer_(sealer), clock_(clock), policy_(policy) {}

FieldDecision PasswordIssuer::decide(store::Reader& reader, ContactId contact,
                                     const Secret& fieldText, Instant readSentAt,
                                     bool jobOpen) const {
  const auto credential = reader.findCredential(contact);
  FieldReading field;
  field.empty = fieldText.empty();
  field.equalsSource = credential && hasher_.sourceEquals(credential->source, fieldText);
  // An instant ahead of now was written before the clock was set back, and says nothing.
  const bool newer = credential && credential->changedAt >= readSentAt &&
                     credential->changedAt <= clock_.now() + std::chrono::seconds{2};
  return decideField(field, credential.has_value(), jobOpen, newer, policy_);
}

void PasswordIssuer::adoptIfNew(store::Transaction& tx, ContactId contact, const Secret& fieldText,
                                Instant readSentAt, bool jobOpen) const {
  if (decide(tx, contact, fieldText, readSentAt, jobOpen) == FieldDecision::kAdopt) {
    adopt(tx, contact, fieldText);
  }
}

void PasswordIssuer::adopt(store::Transaction& tx, ContactId contact,
                           const Secret& fieldText) const {
  saveFast(tx, contact, fieldText, CredentialOrigin::kAdopted);
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
  if (password.empty()) password = generator_.next();
  if (payload.autoregister) saveFast(tx, contact, password, origin);
  payload.issued = true;
  payload.hasDefault = false;
  job.sealed = sealer_.seal(password, contact);
  return password;
}

Result<Secret> PasswordIssuer::sealedPassword(const Job& job, ContactId contact) const {
  return sealer_.open(job.sealed, contact);
}

}  // namespace mbr::members
