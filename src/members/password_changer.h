// Passwords that somebody asks for: a generated one, one of the own choice, or a link to choose
// one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/credential.h"
#include "domain/email.h"
#include "domain/job.h"
#include "members/password_links.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "passwords/sealer.h"
#include "store/store.h"

namespace mbr::members {

// All but a link that is only made commit a password job, which writes the field; its payload says
// at the end whether anything was issued. What a member chose lies in the field under kKeep alone:
// under the other policies the job empties it. Thread-safe; may be called on fast workers: hashing
// runs in the pool.
class PasswordChanger {
 public:
  struct Options {
    PasswordPolicy policy = PasswordPolicy::kKeep;
    const PasswordLinks* links = nullptr;  // outlives the changer; null: there are no links
  };

  // Called once, on any thread, with the job, once it is on disk.
  using DoneFn = std::function<void(Result<JobId>)>;

  // All of them must outlive the changer. `onEnqueued` is called after a commit that added jobs.
  PasswordChanger(store::Store& store, const passwords::Hasher& hasher, passwords::HashPool& pool,
                  const passwords::Sealer& sealer, const Clock& clock,
                  std::function<void()> onEnqueued, Options options);

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
  // In force from the commit on, which ends the contact's sessions and burns its links. Errors:
  // kInvalid (the text may be no password; the detail says why), kDenied (`current` is wrong),
  // kBusy (too much is being hashed: nothing was checked), kConflict (the password changed
  // meanwhile), kNotFound, the store's.
  void set(const Choice& choice, const DoneFn& done);

  // The same for whoever holds a link, by its token. Errors: kInvalid and kBusy (the link stays),
  // kDenied (it is unknown, used, expired, or its contact is gone), the store's.
  void setByLink(const Secret& token, const Secret& password, const DoneFn& done);

  // A new link, for the site to hand on. Errors: kConflict (there are no links: no public address
  // is configured), kNotFound (the contact is gone), the store's.
  void makeLink(ContactId contact, std::function<void(Result<PasswordLinks::Link>)> done);
  // A new link, which a job writes into the field. Errors: as makeLink().
  void pushLink(ContactId contact, const std::string& email, DoneFn done);

 private:
  struct Order {
    Choice choice;
    std::optional<Secret> link;  // the token that allows it
  };
  void queue(Order order, passwords::HashPool::Priority priority, const DoneFn& done);
  void hashAndSave(const Order& order, const DoneFn& done);
  Outcome hasLinks() const;
  bool isAllowed(store::Reader& reader, const Order& order) const;

  store::Store& store_;
  const passwords::Hasher& hasher_;
  passwords::HashPool& pool_;
  const passwords::Sealer& sealer_;
  const Clock& clock_;
  const std::function<void()> onEnqueued_;
  const Options options_;
};

}  // namespace mbr::members
