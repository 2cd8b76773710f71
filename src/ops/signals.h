// Stop signals, taken by one thread.
#pragma once

#include <csignal>

namespace mbr::ops {

// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 and ignores SIGPIPE. Call it before the first thread,
// so that every thread inherits the mask and libfcgi's own handlers never run.
sigset_t blockStopSignals();

// Waits for SIGTERM or SIGINT and returns it; others are swallowed.
int waitForStop(const sigset_t& signals);

}  // namespace mbr::ops
