// The port for a live pull of one contact from ActiveCampaign.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "contacts/who.h"
#include "domain/ids.h"

namespace mbr::contacts {

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
  // With an id and an e-mail, a contact that ActiveCampaign no longer has under the id is looked up
  // by the e-mail.
  // Errors: kUnavailable, kBusy (deadline, budget, outage): nothing is known then.
  virtual void pull(Who who, SteadyInstant deadline, DoneFn done) = 0;
};

}  // namespace mbr::contacts
