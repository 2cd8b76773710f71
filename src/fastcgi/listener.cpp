#include "fastcgi/listener.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "ops/log.h"

namespace mbr::fastcgi {
namespace {

constexpr int kBacklog = 1024;
constexpr mode_t kSocketMode = 0660;

Error unavailable(std::string detail) { return Error{Code::kUnavailable, std::move(detail)}; }

Error systemError(const std::string& what) {
  return unavailable(what + ": " + std::generic_category().message(errno));
}

bool isListening(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

void setTimeouts(int fd, std::chrono::milliseconds timeout) {
  timeval limit{};
  limit.tv_sec = timeout.count() / 1000;
  limit.tv_usec = timeout.count() % 1000 * 1000;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// Errors of one connection, not of ours: the next one may be fine.
bool concernsOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

// Makes way for a new socket file at `address`, unless somebody listens there.
Outcome removeStale(const sockaddr_un& address) {
  const std::string path = address.sun_path;
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return Done{};
    return systemError("cannot look at " + path);
  }
  if (!S_ISSOCK(found.st_mode)) return unavailable(path + " is there and is no socket");
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno != ECONNREFUSED) {
    return unavailable(path + " is in use: another process listens there");
  }
  if (unlink(path.c_str()) != 0) return systemError("cannot remove the stale " + path);
  return Done{};
}

}  // namespace

Outcome Listener::open(const std::string& socketPath) {
  const std::lock_guard lock(mutex_);
  return socketPath.empty() ? takeStandardInput() : bindPath(socketPath);
}

Outcome Listener::takeStandardInput() {
  if (!isListening(STDIN_FILENO)) {
    return unavailable(
        "fd 0 is no listening socket: start with spawn-fcgi or a systemd socket unit, or set "
        "listen.socket");
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(STDIN_FILENO, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family != AF_UNIX) {
    return unavailable("the socket on fd 0 must be a unix socket: FastCGI knows no passwords");
  }
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  if (flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0) {
    return systemError("cannot make fd 0 non-blocking");
  }
  fd_ = STDIN_FILENO;
  return Done{};
}

Outcome Listener::bindPath(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return unavailable("the socket path is longer than " +
                       std::to_string(sizeof address.sun_path - 1) + " bytes: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (auto removed = removeStale(address); !removed) return removed;

  Descriptor bound(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!bound.isOpen()) return systemError("cannot make a socket");
  // The file gets the socket's own mode less the umask, so it is never more open than this; the
  // umask itself belongs to all threads and stays as it is.
  fchmod(bound.get(), kSocketMode);
  if (bind(bound.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return systemError("cannot bind " + path);
  }
  boundPath_ = path;
  fd_ = bound.release();
  if (chmod(path.c_str(), kSocketMode) != 0) return systemError("cannot set the mode of " + path);
  if (listen(fd_, kBacklog) != 0) return systemError("cannot listen on " + path);
  return Done{};
}

void Listener::watch(int epollFd, void* tag) {
  const std::lock_guard lock(mutex_);
  if (fd_ < 0) return;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = tag;
  const int operation = epollFd_ < 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (epoll_ctl(epollFd, operation, fd_, &event) != 0) {
    ops::logError("listen_watch_failed", {{"errno", errno}});
  }
  epollFd_ = epollFd;
}

bool Listener::acceptAll(std::chrono::milliseconds timeout,
                         const std::function<void(Descriptor)>& take) {
  const std::lock_guard lock(mutex_);
  return acceptWaiting(timeout, take);
}

bool Listener::acceptWaiting(std::chrono::milliseconds timeout,
                             const std::function<void(Descriptor)>& take) {
  while (fd_ >= 0) {
    Descriptor accepted(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    if (accepted.isOpen()) {
      setTimeouts(accepted.get(), timeout);
      take(std::move(accepted));
    } else if (!concernsOneConnection(errno)) {
      if (errno == EAGAIN) return true;
      ops::logWarning("accept_failed", {{"errno", errno}});
      return false;
    }
  }
  return true;
}

void Listener::retire(std::chrono::milliseconds timeout,
                      const std::function<void(Descriptor)>& take) {
  const std::lock_guard lock(mutex_);
  removePath();
  acceptWaiting(timeout, take);
  close();
}

Listener::~Listener() {
  removePath();
  close();
}

void Listener::removePath() {
  if (!boundPath_.empty()) unlink(boundPath_.c_str());
  boundPath_.clear();
}

void Listener::close() {
  if (fd_ < 0) return;
  // Closing alone would not end the watch while another process holds the socket.
  if (epollFd_ >= 0) epoll_ctl(epollFd_, EPOLL_CTL_DEL, fd_, nullptr);
  const Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (fd_ == STDIN_FILENO && nothing.isOpen()) {
    dup2(nothing.get(), STDIN_FILENO);
  } else {
    ::close(fd_);
  }
  fd_ = -1;
}

}  // namespace mbr::fastcgi
