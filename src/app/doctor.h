// What is wrong with an installation, and what to do about it.
#pragma once

#include "app/remark.h"
#include "app/workbench.h"
#include "config/config.h"

namespace mbr::app {

// These look and change nothing. Names of checks are stable.

// config, secrets, tls, daemon, shed-socket, descriptors.
Remarks checkInstallation(const config::Config& config);

// store, disk, wal. Reads the whole file to find damage.
Remarks checkStoreFile(const config::Config& config);

// membership-tag, codes, default-pass, autologin, include, jobs, gaps.
Remarks checkState(Workbench& bench);

// activecampaign, clock, tags, password-field, hidden-fields, hooks. Asks ActiveCampaign some five
// times.
Remarks checkAccount(Workbench& bench);

}  // namespace mbr::app
