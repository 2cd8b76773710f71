#include "ops/signals.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
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

std::optional<int> waitForStop(const sigset_t& signals, Milliseconds atMost) {
  const SteadyInstant end = std::chrono::steady_clock::now() + atMost;
  for (;;) {
    const auto left = std::max<std::chrono::nanoseconds>(end - std::chrono::steady_clock::now(),
                                                         std::chrono::nanoseconds{0});
    constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds{1};
    const timespec wait{static_cast<time_t>(left / kSecond),
                        static_cast<long>((left % kSecond).count())};
    const int taken = sigtimedwait(&signals, nullptr, &wait);
    if (taken == SIGTERM || taken == SIGINT) return taken;
    if (taken < 0 && errno != EINTR) return std::nullopt;
  }
}

void endBy(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  std::raise(signal);
  std::abort();  // these signals end every process
}

}  // namespace mbr::ops
