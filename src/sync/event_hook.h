// Keeps this installation's event webhook registered in ActiveCampaign.
//
// A webhook is ours if its URL without the query is `publicUrl` + kEventHookPath, or the URL that
// this installation registered last (meta `hooks.url`). Others are never touched.
//
// What is remembered in meta: `hooks.url` (without the query), `hooks.id`, `hooks.checked_at` (the
// last check that passed, ms), `hooks.gap_from` (since when events may be missing, while a repair
// is under way), `hooks.lease` ("holder:untilMs"). The URL with its code goes to ActiveCampaign
// alone: into no log, error, report or row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activecampaign/client.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"
#include "sync/options.h"

namespace mbr::sync {

inline constexpr std::string_view kEventHookPath = "/membergate/hooks/events";

enum class HookState {
  kNone,        // there is none, and none is wanted or nothing is known of one
  kRegistered,  // there, and as it should be
  kCreated,     // made just now
  kRepaired,    // it was there, and is as it should be now
  kRemoved,
  kMissing,  // status() alone: wanted, and not there
  kWrong,    // status() alone: there, and not as it should be
};
std::string_view toString(HookState state);

struct HookReport {
  HookState state = HookState::kNone;
  std::int64_t id = 0;              // 0 = none
  std::string url;                  // without the query; empty = not known
  std::vector<std::string> events;  // as ActiveCampaign has them now
  std::string what;                 // kRepaired, kWrong: "url,events,sources,list,doubles"
  int doublesRemoved = 0;
  std::optional<Instant> checkedAt;  // the last check that passed
};

// One thread at a time; several processes may each have one, even of other installations with the
// same URL: what each does is harmless to repeat, and the webhook with the lowest id stays.
//
// Errors of all that talk to ActiveCampaign: the client's and the store's, and kBusy (another
// process is at it; `retryAfter`). What was not reached then is done by the next keep(). The
// deadline of `call` is for all that one of them asks, two to five requests.
class EventHook {
 public:
  using CodeFn = std::function<Result<Secret>()>;  // the code in force

  // `store` and `clock` must outlive the object. `holder` names this process among all that use the
  // store.
  EventHook(store::Store& store, const Clock& clock, HookOptions options, CodeFn code,
            std::string holder);

  // If a webhook is wanted: makes sure that there is exactly one, with our URL and code and at
  // least the wanted events and sources, for all lists. If it was lost or wrong, a gap is opened
  // from the last check that passed; the first time, from now.
  // If none is wanted: removes the one that was registered, if one was; else nothing is asked.
  // Also kInvalid: wanted without a publicUrl.
  Result<HookReport> keep(activecampaign::Client& client, const activecampaign::Call& call);

  // Removes every webhook of ours, also one that this installation does not remember.
  Result<HookReport> remove(activecampaign::Client& client, const activecampaign::Call& call);

  // Deletes ours and makes a new one: after a 410 ActiveCampaign sends nothing more and shows the
  // webhook as before. If the second half fails the next keep() makes it.
  Outcome replace(activecampaign::Client& client, const activecampaign::Call& call);

  // Looks, and changes nothing.
  Result<HookReport> status(activecampaign::Client& client, const activecampaign::Call& call);

 private:
  class Round;  // one of the above, under the lease

  store::Store& store_;
  const Clock& clock_;
  const HookOptions options_;
  const CodeFn code_;
  const std::string holder_;
};

}  // namespace mbr::sync
