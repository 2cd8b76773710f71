#include "ops/signals.h"

#include <pthread.h>

#include <initializer_list>

namespace mbr::ops {

sigset_t blockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int waitForStop(const sigset_t& signals) {
  for (;;) {
    int taken = 0;
    if (sigwait(&signals, &taken) == 0 && (taken == SIGTERM || taken == SIGINT)) return taken;
  }
}

}  // namespace mbr::ops
