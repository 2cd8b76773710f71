// What the items of a change name.
#pragma once

#include <functional>

#include "activecampaign/client.h"
#include "base/result.h"
#include "members/job_payload.h"
#include "sync/job_handlers.h"

namespace mbr::sync {

// What ActiveCampaign said no to for good, as the item's result; any other error is handed back,
// and is worth another try.
Outcome judge(members::ChangePayload::Item& item, const Error& error);

// Gives the open items their ids and names, from the directories. A directory in which one is
// missing is fetched once. What is not there either is kUnknown, unless it is a tag to be made; a
// hidden field is kRefused. Of items that mean the same one stays; a field that is named twice is
// kRefused. Errors: worth another try.
Outcome resolveNames(const Workshop& workshop, activecampaign::Client& client,
                     const std::function<activecampaign::Call()>& call,
                     members::ChangePayload& change);

}  // namespace mbr::sync
