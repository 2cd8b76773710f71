// ActiveCampaign's password field of one contact, as jobs read and empty it.
#pragma once

#include "activecampaign/client.h"
#include "base/result.h"
#include "contacts/source.h"
#include "sync/job_handlers.h"

namespace mbr::sync {

// A read that shows the password field for sure: where the answer does not say what it holds,
// because it names fields that are unknown here, the directories are fetched and it is read again.
// Errors: the client's; kUnavailable if the field is still not shown.
Result<ContactReader::Read> readWithPassword(const Workshop& workshop,
                                             activecampaign::Client& client,
                                             const contacts::Who& who,
                                             const activecampaign::Call& call);

// Empties the field. Success: ActiveCampaign says that it is empty. Errors: the client's;
// kUnavailable if it says something else, or nothing.
Outcome clearPassword(const Workshop& workshop, activecampaign::Client& client, ContactId contact,
                      const activecampaign::Call& call);

}  // namespace mbr::sync
