// Bulk imports: queued by the API, applied when their time has come.
#pragma once

#include "ledger.h"

namespace acsim {

// Applies every batch that is due at ledger.now. Fires no webhooks. True if any was.
bool applyDueImports(Ledger& ledger);

}  // namespace acsim
