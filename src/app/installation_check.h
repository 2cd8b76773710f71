// Files, processes and limits around the service, for doctor.
#pragma once

#include "app/remark.h"
#include "config/config.h"

namespace mbr::app {

// These look and change nothing. Names of checks are stable.

// config, secrets, tls, daemon, shed-socket, descriptors.
Remarks checkInstallation(const config::Config& config);

// store, disk, wal. Reads the whole file to find damage.
Remarks checkStoreFile(const config::Config& config);

}  // namespace mbr::app
