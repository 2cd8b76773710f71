// Passwords that somebody asks for by the API: a generated one, or one of the own choice.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/email.h"
#include "domain/job.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
#include "store/store.h"

namespace mbr::members {

// Both ways commit a password job, which writes the field; its payload says at the end whether one
// was issued. Thread-safe; may be called on fast workers: hashing runs in the pool.
class PasswordChanger {
 public:
  // Called once, on any thread, with the job, once it is on disk.
  using DoneFn = std::function<void(Result<JobId>)>;

  // All of them must outlive the changer. `onEnqueued` is called after a commit that added jobs.
  PasswordChanger(store::Store& store, const passwords::Hasher& hasher, passwords::HashPool& pool,
                  const passwords::Sealer& sealer, const Clock& clock,
                  std::function<void()> onEnqueued);

  // Without `force` the job issues a password only if ActiveCampaign holds none. The member's
  // password stays in force until the job replaces it. Errors: kConflict (a password is known here,
  // and no `force`), kNotFound (the contact is gone), the store's.
  void generate(ContactId contact, const std::string& email, bool force, DoneFn done);

  struct Choice {
    ContactId contact = 0;
    Email email;
    Secret password;
    std::optional<Secret> current;  // must be the member's password, if it is given
  };
  // In force from the commit on, which ends the contact's sessions. Errors: kInvalid (the text may
  // be no password; the detail says why), kDenied (`current` is wrong), kBusy (too much is being
  // hashed: nothing was checked), kConflict (the password changed meanwhile), kNotFound, the
  // store's.
  void set(const Choice& choice, const DoneFn& done);

  // In force from the commit on, which ends the contact's sessions and burns all of its links.
  // Errors: kInvalid (the text may be no password; the detail says why; the link stays), kDenied
  // (the link is unknown, used, expired, or its contact is gone), kBusy, the store's.
  void setByLink(const Secret& token, const Secret& password, const DoneFn& done);

 private:
  void hashAndSave(const Choice& choice, const DoneFn& done);

  store::Store& store_;
  const passwords::Hasher& hasher_;
  passwords::HashPool& pool_;
  const passwords::Sealer& sealer_;
  const Clock& clock_;
  const std::function<void()> onEnqueued_;
};

}  // namespace mbr::members
