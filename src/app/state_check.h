// What the database says of how the service is set up and does, for doctor.
#pragma once

#include "app/remark.h"
#include "app/workbench.h"

namespace mbr::app {

// Looks and changes nothing. Names of checks are stable: membership-tag, codes, default-pass,
// autologin, include, jobs, gaps.
Remarks checkState(Workbench& bench);

}  // namespace mbr::app
