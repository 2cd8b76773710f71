#include "passwords/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/files.h"

namespace mbr::passwords {
namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr mode_t kMode = 0640;
constexpr mode_t kOthers = 0007;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool isOpen() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error failure(const std::string& path, const char* what) {
  return {Code::kUnavailable, path + ": " + what + ": " + std::strerror(errno)};
}

// A new name is on disk only once its folder is.
Outcome flushFolderOf(const std::string& path) {
  const std::string folder = folderOf(path);
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.isOpen() || ::fsync(file.fd()) != 0) return failure(folder, "cannot flush the folder");
  return Done{};
}

}  // namespace

Result<Secret> readKeyFile(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.isOpen()) {
    if (errno == ENOENT) {
      return Error{Code::kNotFound,
                   path + ": no such file; expected the master key file that 'init' makes"};
    }
    if (errno == EACCES) {
      return Error{Code::kDenied, path +
                                      ": not readable by this user; expected mode 0640 with "
                                      "the service's group"};
    }
    return failure(path, "cannot open");
  }
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return failure(path, "cannot examine");
  if (!S_ISREG(info.st_mode)) return Error{Code::kInvalid, path + ": expected a regular file"};
  if ((info.st_mode & kOthers) != 0) {
    return Error{Code::kDenied,
                 path + ": other users have rights on it; expected mode 0640 or stricter"};
  }
  if (static_cast<std::size_t>(info.st_size) > kMaxFileBytes) {
    return Error{Code::kInvalid, path + ": expected at most 64 KiB"};
  }
  std::string text(kMaxFileBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.fd(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const Error error = failure(path, "cannot read");
      wipe(text);
      return error;
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return Secret::take(std::move(text));
}

Outcome createKeyFile(const std::string& path, std::string_view text) {
  {
    const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.isOpen()) {
      if (errno == EEXIST) {
        return Error{Code::kConflict, path + ": exists already and is not overwritten"};
      }
      return failure(path, "cannot create");
    }
    // fchmod, since the umask may have taken the group's right away.
    if (!writeAll(file.fd(), text) || ::fchmod(file.fd(), kMode) != 0 || ::fsync(file.fd()) != 0) {
      const Error error = failure(path, "cannot write");
      ::unlink(path.c_str());
      return error;
    }
  }
  return flushFolderOf(path);
}

Outcome replaceKeyFile(const std::string& path, std::string_view text) {
  struct stat old {};
  if (::stat(path.c_str(), &old) != 0) return failure(path, "cannot examine");
  std::string draft = path + ".XXXXXX";
  {
    const File file(::mkostemp(draft.data(), O_CLOEXEC));
    if (!file.isOpen()) return failure(draft, "cannot create");
    struct stat made {};
    const bool owned = ::fstat(file.fd(), &made) == 0 &&
                       ((made.st_uid == old.st_uid && made.st_gid == old.st_gid) ||
                        ::fchown(file.fd(), old.st_uid, old.st_gid) == 0);
    if (!owned || !writeAll(file.fd(), text) ||
        ::fchmod(file.fd(), old.st_mode & 07777 & ~kOthers) != 0 || ::fsync(file.fd()) != 0 ||
        ::rename(draft.c_str(), path.c_str()) != 0) {
      const Error error = failure(path, "cannot replace");
      ::unlink(draft.c_str());
      return error;
    }
  }
  return flushFolderOf(path);
}

}  // namespace mbr::passwords
