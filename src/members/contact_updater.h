// Changes to contacts that do not come from a webhook's body: what a pull showed, and what the site
// asks for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "contacts/contact_cache.h"
#include "domain/contact.h"
#include "members/job_payload.h"
#include "members/password_issuer.h"
#include "store/store.h"

namespace mbr::members {

// Thread-safe.
class ContactUpdater {
 public:
  // All of them must outlive the updater. `onEnqueued` is called after a commit that added jobs.
  ContactUpdater(store::Store& store, const PasswordIssuer& issuer, const Clock& clock,
                 std::function<void()> onEnqueued);

  // Within a transaction: takes in what a read of ActiveCampaign showed, the password field
  // included. A snapshot sent before the contact's last change is not applied; the contact gets a
  // refresh instead (false is returned).
  // `openPasswordJob`: the job that made the read decides about the password field itself.
  bool applySnapshot(store::Transaction& tx, const ContactSnapshot& snapshot,
                     bool openPasswordJob = false) const;

  // Within a transaction: ActiveCampaign has no contact with this id (read by id, 404, and not
  // found by its e-mail under another id either). Marks it deleted and ends its sessions.
  void markDeleted(store::Transaction& tx, ContactId id) const;

  // Within a transaction: our write of these tags succeeded; readers see it from the commit on.
  void applyOwnTags(store::Transaction& tx, ContactId id, const std::vector<TagId>& added,
                    const std::vector<TagId>& removed) const;

  // Commits a job for what the site asks for and hands over its id once it is on disk.
  using SubmittedFn = std::function<void(Result<JobId>)>;
  void submitChange(ChangePayload change, SubmittedFn done);

 private:
  // False for an instant that was written before the clock was set back.
  bool isPast(Instant instant) const;

  store::Store& store_;
  const PasswordIssuer& issuer_;
  const Clock& clock_;
  std::function<void()> onEnqueued_;
};

}  // namespace mbr::members
