// What an operator does to a job: takes it up again, or gives it up.
#pragma once

#include <string_view>

#include "base/result.h"
#include "domain/ids.h"
#include "store/store.h"

namespace mbr::members {

// Both work inside the caller's transaction and write the audit; `actor` is whose word it was. An
// error has changed nothing, so the transaction may go on.

// A queued job is due now; a dead one is opened again and begins its life anew. A generated
// password that never reached ActiveCampaign died with its job: the credential made of it goes, and
// the job issues another if the field is still empty.
// Errors: kNotFound; kConflict (running, ended well, or it cannot be repeated; the detail says
// why).
Outcome retryJob(store::Transaction& tx, JobId id, std::string_view actor);

// Ends an open job; what waits for it is given up with it.
// Errors: kNotFound; kConflict (it has ended).
Outcome dropJob(store::Transaction& tx, JobId id, std::string_view actor);

}  // namespace mbr::members
