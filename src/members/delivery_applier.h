// Takes a webhook call in: its data into the cache, what it asks for into jobs, in one commit.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "contacts/directories.h"
#include "domain/delivery.h"
#include "members/password_rule.h"
#include "members/tombstones.h"
#include "passwords/sealer.h"
#include "store/store.h"

namespace mbr::members {

// What the sender is told.
struct Receipt {
  enum class Status { kAccepted, kDuplicate, kIgnored };
  enum class Password { kNone, kQueued, kPending };
  Status status = Status::kAccepted;
  std::optional<ContactId> contact;
  Password password = Password::kNone;
};

// Rules: DECISIONS "What a body may change", "Duplicates". In short: names, phone,
// fields, tags and list status of the contact with that id change at once; an e-mail that differs
// from the known one, or belongs to another contact, does not, but queues a refresh; older data
// (date_time) changes nothing and queues a refresh; whatever changed leaves the contact unconfirmed
// and queues one coalesced refresh, unless a password job will read the contact anyway. A copy
// within the window, or while the same follow-up is open, has its data applied and no follow-up.
// A call about a contact that was erased is ignored, unless Tombstones says that it brings it back.
// An event webhook's contact gets a password if the rule covers it and none is known here.
//
// Thread-safe; apply() may be called on a fast worker.
class DeliveryApplier {
 public:
  struct Options {
    Milliseconds duplicateWindow{60000};
    std::set<std::string> hiddenFields{};    // personalization tags, upper-case; never stored
    PasswordRule passwordRule{};             // for event webhooks, which ask for nothing
    const Tombstones* tombstones = nullptr;  // outlives the applier; null: nobody was erased
  };
  using DoneFn = std::function<void(Result<Receipt>)>;

  // All of them must outlive the applier. `onEnqueued` is called after a commit that added jobs.
  DeliveryApplier(store::Store& store, const contacts::Directories& directories,
                  const passwords::Sealer& sealer, const Clock& clock, Options options,
                  std::function<void()> onEnqueued);

  // Calls `done` on the writer's thread once everything is on disk. Errors: kUnavailable, kBusy:
  // nothing was stored.
  void apply(Delivery delivery, DoneFn done);

 private:
  struct Pending;

  void applyIn(store::Transaction& tx, Pending& pending) const;
  void ignore(store::Transaction& tx, Pending& pending) const;
  bool applyData(store::Transaction& tx, Pending& pending, std::optional<Contact> known) const;
  void applyFollowUp(store::Transaction& tx, Pending& pending) const;
  void applyRule(store::Transaction& tx, Pending& pending) const;
  void addPasswordJob(store::Transaction& tx, const Delivery& delivery,
                      const std::optional<ContactId>& contact) const;

  store::Store& store_;
  const contacts::Directories& directories_;
  const passwords::Sealer& sealer_;
  const Clock& clock_;
  Options options_;
  std::function<void()> onEnqueued_;
};

}  // namespace mbr::members
