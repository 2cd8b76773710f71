#include "sync/shed_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mbr::sync {
namespace {

constexpr std::size_t kMostOpen = 4;
constexpr mode_t kMode = 0666;

struct Address {
  explicit Address(const std::string& path) {
    name.sun_family = AF_UNIX;
    fits = path.size() < sizeof name.sun_path;
    if (fits) std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }

  sockaddr_un name{};
  bool fits = false;
};

int newSocket() { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

// 0: somebody holds the socket at the address. ECONNREFUSED: nobody does.
int probe(const Address& address) {
  const int fd = newSocket();
  if (fd < 0) return errno;
  const int failed = ::connect(fd, address.get(), sizeof address.name) == 0 ? 0 : errno;
  ::close(fd);
  return failed;
}

}  // namespace

ShedSocket::~ShedSocket() {
  unlink();
  for (const int fd : open_) ::close(fd);
}

ShedSocket::State ShedSocket::look() {
  if (pathIsOurs()) return State::kOurs;
  bound_ = false;
  return bind();
}

ShedSocket::State ShedSocket::bind() {
  const auto unusable = [this](int why) {
    why_ = why;
    return State::kUnusable;
  };
  const Address address(path_);
  if (!address.fits) return unusable(ENAMETOOLONG);

  struct stat found {};
  if (::lstat(path_.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode)) return unusable(EEXIST);
    const int held = probe(address);
    if (held == 0) return State::kHeld;
    if (held == ECONNREFUSED) {
      if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return unusable(errno);
    } else if (held != ENOENT) {
      return unusable(held);
    }
  } else if (errno != ENOENT) {
    return unusable(errno);
  }

  const int fd = newSocket();
  if (fd < 0) return unusable(errno);
  if (::bind(fd, address.get(), sizeof address.name) != 0) {
    const int failed = errno;
    ::close(fd);
    // Another one was faster since the look above.
    return failed == EADDRINUSE ? State::kHeld : unusable(failed);
  }
  if (::chmod(path_.c_str(), kMode) != 0 || ::lstat(path_.c_str(), &found) != 0) {
    const int failed = errno;
    ::close(fd);
    return unusable(failed);
  }
  open_.push_back(fd);
  bound_ = true;
  device_ = found.st_dev;
  inode_ = found.st_ino;
  if (open_.size() > kMostOpen) {
    ::close(open_.front());
    open_.erase(open_.begin());
  }
  return State::kBound;
}

bool ShedSocket::pathIsOurs() const {
  struct stat found {};
  return bound_ && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
         found.st_ino == inode_;
}

void ShedSocket::unlink() {
  if (pathIsOurs()) ::unlink(path_.c_str());
  bound_ = false;
}

}  // namespace mbr::sync
