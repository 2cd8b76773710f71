// Decides about passwords and keeps what is needed to check them.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/secret.h"
#include "domain/contact.h"
#include "domain/credential.h"
#include "domain/job.h"
#include "members/job_payload.h"
#include "passwords/generator.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
#include "store/store.h"

namespace mbr::members {

// Thread-safe. All methods but decide() work inside the caller's transaction and do no slow hash.
class PasswordIssuer {
 public:
  // All of them must outlive the issuer.
  PasswordIssuer(passwords::Generator& generator, const passwords::Hasher& hasher,
                 const passwords::Sealer& sealer, const Clock& clock, PasswordPolicy policy);

  // What the field's text in a fresh read means for this contact (table in DECISIONS).
  FieldDecision decide(store::Reader& reader, ContactId contact, const Secret& fieldText,
                       Instant readSentAt, bool jobOpen) const;

  // A pull showed the field: adopts its text if the table says so. Never issues.
  void adoptIfNew(store::Transaction& tx, ContactId contact, const Secret& fieldText,
                  Instant readSentAt, bool jobOpen) const;

  // Makes the credential from a text that ActiveCampaign holds.
  void adopt(store::Transaction& tx, ContactId contact, const Secret& fieldText) const;

  // `from` is known as `to` in ActiveCampaign now: its credential moves there, unless `to` has one
  // of its own.
  void move(store::Transaction& tx, ContactId from, ContactId to) const;

  // Chooses the password of `contact` for `job`: the webhook's default_pass or a generated one.
  // Hash and sealed text commit together with the job: there is never a password that the site
  // accepts and ActiveCampaign will not hear of, nor the reverse. Changes job.sealed and payload.
  Secret issue(store::Transaction& tx, Job& job, PasswordPayload& payload, ContactId contact) const;

  // The password that `job` carries. Errors: kInternal if the master key cannot open it.
  Result<Secret> sealedPassword(const Job& job, ContactId contact) const;

 private:
  void saveFast(store::Transaction& tx, ContactId contact, const Secret& password,
                CredentialOrigin origin) const;

  passwords::Generator& generator_;
  const passwords::Hasher& hasher_;
  const passwords::Sealer& sealer_;
  const Clock& clock_;
  PasswordPolicy policy_;
};

}  // namespace mbr::members
