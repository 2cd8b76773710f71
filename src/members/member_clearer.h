// Forgets a member: what is kept here to let somebody in, not the contact.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "domain/delivery.h"
#include "members/delivery_applier.h"
#include "store/store.h"

namespace mbr::members {

// Removes the credential, the sessions and the open password links of one contact. The contact, its
// data and its jobs stay: an open password job carries what ActiveCampaign's field is to hold, and
// a password that lies in that field is adopted again at the next pull. To bar somebody for good is
// what the ban tag is for.
//
// Thread-safe; clear() may be called on a fast worker.
class MemberClearer {
 public:
  using DoneFn = std::function<void(Result<Receipt>)>;

  // `store` must outlive the clearer.
  explicit MemberClearer(store::Store& store) : store_(store) {}

  // The contact that the call names: by its id, or by its e-mail if there is no id. Nothing else of
  // the call is applied. `actor` is for the audit ("code:3"). Calls `done` on the writer's thread
  // once it is on disk: accepted, or ignored if no such contact is known here. Errors:
  // kUnavailable, kBusy: nothing was changed.
  void clear(Delivery call, std::string actor, DoneFn done);

 private:
  store::Store& store_;
};

}  // namespace mbr::members
