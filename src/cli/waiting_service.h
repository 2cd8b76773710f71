// The service that an installed package has ready.
#pragma once

#include <string>

namespace mbr::cli {

// The package's units are enabled and begin nothing while their configuration is missing. Starts
// them, now that `config` is made: true if they run. Only root starts, only below systemd, only
// what the operator left enabled, and only for the configuration that the units name. One that will
// not start is a warning.
bool startWaitingService(const std::string& config);

}  // namespace mbr::cli
