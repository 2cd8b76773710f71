// Stop signals, taken by one thread.
#pragma once

#include <csignal>
#include <optional>

#include "base/clock.h"

namespace mbr::ops {

// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 and ignores SIGPIPE. Call it before the first thread,
// so that every thread inherits the mask and libfcgi's own handlers never run.
sigset_t blockStopSignals();

// Waits for SIGTERM or SIGINT and returns it; others are swallowed.
int waitForStop(const sigset_t& signals);

// The same, but no longer than that: nothing if none came.
std::optional<int> waitForStop(const sigset_t& signals, Milliseconds atMost);

// Ends the process by a signal that was blocked, so that its parent sees by which.
[[noreturn]] void endBy(int signal);

}  // namespace mbr::ops
