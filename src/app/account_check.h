// Whether ActiveCampaign answers, and has what the configuration names; for doctor and
// check-config.
#pragma once

#include "app/remark.h"
#include "app/workbench.h"

namespace mbr::app {

// Asks some five times and changes nothing. Names of checks are stable: activecampaign, clock,
// tags, password-field, hidden-fields, hooks.
Remarks checkAccount(Workbench& bench);

}  // namespace mbr::app
