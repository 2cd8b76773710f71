// Tags and automations that follow a password.
#pragma once

#include <optional>

#include "sync/job_handlers.h"

namespace mbr::sync {

// Applies the open steps of `payload` to the contact, in order, each committed into the job before
// the next. What ActiveCampaign refuses ends the step, not the job. Nothing when all are through;
// otherwise how to leave the job.
std::optional<outbox::Verdict> runSteps(const Workshop& workshop, Job& job,
                                        members::PasswordPayload& payload, ContactId contact,
                                        const StopFlag& stop);

// Whether the contact entered the automation at `since` or later, as far as clocks agree: what is
// asked before an entry whose answer was lost is sent again.
Result<bool> hasEntered(activecampaign::Client& client, ContactId contact, AutomationId automation,
                        Instant since, const activecampaign::Call& call);

// How the job ends once all steps are through: refused if any step was.
outbox::Verdict endOf(const members::PasswordPayload& payload);

}  // namespace mbr::sync
