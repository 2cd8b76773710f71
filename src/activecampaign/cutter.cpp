#include "activecampaign/cutter.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

namespace mbr::activecampaign {

struct Cutter::Held {
  explicit Held(int socket) : copy(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  ~Held() {
    if (copy >= 0) ::close(copy);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  const int copy;
  std::atomic<bool> cut{false};
};

Cutter::Cutter(ops::Timer& timer, int socket, SteadyInstant when)
    : timer_(timer), held_(std::make_shared<Held>(socket)) {
  task_ = timer_.at(when, [held = held_] {
    held->cut = true;
    ::shutdown(held->copy, SHUT_RDWR);
  });
}

Cutter::~Cutter() { timer_.cancel(task_); }

bool Cutter::hasCut() const { return held_->cut; }

}  // namespace mbr::activecampaign
