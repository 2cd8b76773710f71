#include "app/process_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "app/app.h"

namespace mbr::app {

ProcessLock::ProcessLock(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  constexpr int kExitNotPermitted = 77;
  if (fd_ < 0) throw StartError(kExitNotPermitted, path + ": cannot be opened for writing");
  alone_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
  if (!alone_) share();
}

void ProcessLock::share() {
  while (::flock(fd_, LOCK_SH) != 0 && errno == EINTR) {
  }
}

ProcessLock::~ProcessLock() { ::close(fd_); }

}  // namespace mbr::app
