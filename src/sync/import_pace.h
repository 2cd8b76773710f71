// The importer's own limit, beside the account's budget.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace mbr::sync {

// ActiveCampaign takes about 100 imports a minute of an account. All processes of this installation
// together send at most 90, of which 10 may follow each other at once.
//
// Takes the right to send one import now. Errors: kBusy (`retryAfter`; nothing was taken), the
// store's. Thread-safe; waits for a commit, so not for fast workers.
Outcome takeImportSlot(store::Store& store, const Clock& clock);

}  // namespace mbr::sync
