// Changes to contacts that do not come from a webhook's body: what a read of ActiveCampaign showed,
// and what was written there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/contact.h"
#include "members/password_issuer.h"
#include "members/password_rule.h"
#include "members/tombstones.h"
#include "store/store.h"

namespace mbr::members {

// Thread-safe.
class ContactUpdater {
 public:
  struct Options {
    PasswordRule passwordRule{};
    Instant installedAt{};         // contacts not touched since then get nothing by the rule
    std::string linkTokenField{};  // see LinkTokens; empty: links carry no token
    const Tombstones* tombstones = nullptr;  // outlives the updater; null: nobody was erased
  };

  // Both must outlive the updater.
  ContactUpdater(const PasswordIssuer& issuer, const Clock& clock, Options options);

  // Within a transaction: takes in what a read of ActiveCampaign showed, the password field
  // included, ends a refresh that waits for such a read, and gives the contact a password job if
  // the rule covers it and it has none. `openPasswordJob`: the job that made the read decides about
  // the password field itself.
  enum class Taken {
    kSame,      // nothing a reader sees has changed
    kChanged,   // the contact is new here, or was known otherwise
    kErased,    // its contact was erased here: not applied
    kOutdated,  // sent before the contact's last change: not applied, the contact gets a refresh
  };
  Taken applySnapshot(store::Transaction& tx, const ContactSnapshot& snapshot,
                      bool openPasswordJob = false) const;

  // Within a transaction: ActiveCampaign has no contact with this id (read by id, 404). If it was
  // found by its e-mail under another id, `now`, sessions and open jobs move there, and the
  // credential unless that one has its own. `now` is applied in the same transaction, after it if
  // its field is to be compared with what moved. Marks the old one deleted and ends its sessions.
  void markDeleted(store::Transaction& tx, ContactId id,
                   const std::optional<ContactId>& now = std::nullopt) const;

  // Within a transaction: both of them, as a single read found it.
  void applyRead(store::Transaction& tx, const std::optional<ContactSnapshot>& snapshot,
                 const std::optional<ContactId>& goneId) const;

  // Within a transaction: our write of these tags succeeded; readers see it from the commit on.
  void applyOwnTags(store::Transaction& tx, ContactId id, const std::vector<TagId>& added,
                    const std::vector<TagId>& removed) const;

 private:
  // False for an instant that was written before the clock was set back.
  bool isPast(Instant instant) const;
  void applyRule(store::Transaction& tx, const Contact& contact,
                 const ContactSnapshot& snapshot) const;
  static void moveJobs(store::Transaction& tx, ContactId from, ContactId to);

  const PasswordIssuer& issuer_;
  const Clock& clock_;
  const Options options_;
};

}  // namespace mbr::members
