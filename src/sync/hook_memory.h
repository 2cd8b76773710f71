// What this installation remembers of its event webhook, and who may work on it: rows of meta.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace mbr::sync {

struct HookMemory {
  std::string url;  // without the query; empty = none was registered
  std::int64_t id = 0;
  std::optional<Instant> checkedAt;  // the last check that passed
  std::optional<Instant> gapFrom;    // events since then may be missing: a repair is under way
};

HookMemory readHookMemory(store::Reader& reader);
Result<HookMemory> readHookMemory(store::Store& store);

// Replaces all of it; an empty one forgets the webhook.
void rememberHook(store::Transaction& tx, const HookMemory& memory);
void rememberRepair(store::Transaction& tx, Instant gapFrom);

// Takes or renews the right to change the account's webhooks, for 60 s. Errors: kBusy while
// another holder's lasts, with `retryAfter`.
Outcome takeHookLease(store::Transaction& tx, const std::string& holder, Instant now);
void giveHookLeaseBack(store::Transaction& tx, const std::string& holder);

}  // namespace mbr::sync
