// The port for a live pull of one contact from ActiveCampaign.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "domain/email.h"
#include "domain/ids.h"

namespace mbr::contacts {

// Whom to pull: by id if it is known, else by e-mail. At least one is set. With both, a contact
// that ActiveCampaign no longer has under the id is looked up by the e-mail.
struct Who {
  std::optional<ContactId> id;
  std::optional<Email> email;
};

// What ActiveCampaign said, already in the store.
struct Pulled {
  std::optional<ContactId> contact;  // none: ActiveCampaign has no such contact
};

// Thread-safe.
class Source {
 public:
  using DoneFn = std::function<void(Result<Pulled>)>;

  virtual ~Source() = default;

  // Pulls in the login lane and calls `done` exactly once, on any thread, at the deadline at the
  // latest; pulls of the same contact at the same time share one request. Does not wait itself.
  // Errors: kUnavailable, kBusy (deadline, budget, outage): nothing is known then.
  virtual void pull(Who who, SteadyInstant deadline, DoneFn done) = 0;
};

}  // namespace mbr::contacts
