// Ends what a socket is doing once its time is over.
#pragma once

#include <memory>

#include "base/clock.h"
#include "ops/timer.h"

namespace mbr::activecampaign {

// Shuts the socket down at `when` unless destroyed before, so that a read, a write or a handshake
// on it ends, however slowly the other side drips. Owns a duplicate of the descriptor: the socket
// may be closed meanwhile. One thread at a time. `timer` must outlive it.
class Cutter {
 public:
  Cutter(ops::Timer& timer, int socket, SteadyInstant when);
  ~Cutter();
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;

  bool hasCut() const;

 private:
  struct Held;
  ops::Timer& timer_;
  std::shared_ptr<Held> held_;  // shared with the timer's task, which may be running
  ops::Timer::TaskId task_ = 0;
};

}  // namespace mbr::activecampaign
