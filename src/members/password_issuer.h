// Decides about passwords and keeps what is needed to check them.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/secret.h"
#include "domain/contact.h"
#include "domain/credential.h"
#include "domain/job.h"
#include "members/job_payload.h"
#include "members/password_links.h"
#include "passwords/generator.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
#include "store/store.h"

namespace mbr::members {

// Job kind: empties the field of a contact's password, whose text has done its work. Says nothing
// but the contact; its key is contactKey().
inline constexpr std::string_view kWipeJob = "wipe";

// Thread-safe. All methods but decide() work inside the caller's transaction and do no slow hash.
class PasswordIssuer {
 public:
  struct Options {
    PasswordPolicy policy = PasswordPolicy::kKeep;
    Milliseconds wipeAfter = std::chrono::hours{24};  // with kWipeAfter: so long after the change
    // With kLink what is issued is a link. Outlives the issuer; null, or without an address: there
    // are no links.
    const PasswordLinks* links = nullptr;
  };

  // All of them must outlive the issuer.
  PasswordIssuer(passwords::Generator& generator, const passwords::Hasher& hasher,
                 const passwords::Sealer& sealer, const Clock& clock, Options options);

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

  // Chooses what goes into the field of `contact` for `job`: the webhook's default_pass, a
  // generated password, or a link to set one. Hash and sealed text commit together with the job:
  // there is never a password that the site accepts and ActiveCampaign will not hear of, nor the
  // reverse. Changes job.sealed and payload.
  Secret issue(store::Transaction& tx, Job& job, PasswordPayload& payload, ContactId contact) const;

  // The password that `job` carries. Errors: kInternal if the master key cannot open it.
  Result<Secret> sealedPassword(const Job& job, ContactId contact) const;

  // --- emptying the field (password.policy wipe-*)
  // ------------------------------------------------

  // Whether the field is emptied at all; when it is, under kWipeAfter.
  bool wipes() const;
  Instant wipeDue(const Credential& credential) const;
  // The field holds the text of the contact's credential: under kWipeAfter its wipe is put into the
  // queue, unless it is there.
  void scheduleWipe(store::Transaction& tx, ContactId contact) const;
  // The same at once, whatever the policy's time.
  static void enqueueWipe(store::Transaction& tx, ContactId contact, Instant due);
  // At the operator's word: now, whatever the policy. Errors: kNotFound (nothing that was put into
  // the field, or adopted from it, can be there), kConflict (one is running).
  static Result<JobId> wipeNow(store::Transaction& tx, ContactId contact);
  // Whether a wipe's payload says that the operator asked for it.
  static bool isAskedFor(const Job& wipe);
  bool isSource(const Credential& credential, const Secret& fieldText) const;
  // The field does not hold that text any more.
  static void forgetSource(store::Transaction& tx, ContactId contact);

 private:
  bool issuesLink(const PasswordPayload& payload) const;
  void saveFast(store::Transaction& tx, ContactId contact, const Secret& password,
                CredentialOrigin origin) const;

  passwords::Generator& generator_;
  const passwords::Hasher& hasher_;
  const passwords::Sealer& sealer_;
  const Clock& clock_;
  const Options options_;
};

}  // namespace mbr::members
