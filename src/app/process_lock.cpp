#include "app/process_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

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

bool ProcessLock::isHeld(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  // It is ours for a moment: a daemon that starts just then takes itself for a second one.
  const bool free = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return !free;
}

std::optional<pid_t> ProcessLock::holderOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // "1: FLOCK  ADVISORY  READ 1234 08:01:131 0 EOF"
    std::istringstream words(line);
    std::string number, kind, mode, access, file;
    pid_t pid = 0;
    words >> number >> kind >> mode >> access >> pid >> file;
    const auto colon = file.rfind(':');
    if (kind != "FLOCK" || pid <= 0 || colon == std::string::npos) continue;
    if (file.substr(colon + 1) == std::to_string(info.st_ino)) return pid;
  }
  return std::nullopt;
}

}  // namespace mbr::app
