#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mbr::config {
namespace {

constexpr std::size_t kMaxSecretBytes = 64 * 1024;

class Descriptor {
 public:
  // Without O_NONBLOCK a named pipe would hold the start up.
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Error failure() {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return {Code::kInvalid, "expected a file that exists"};
    case EACCES:
      return {Code::kDenied, "expected a file that this user may read"};
    default:
      return {Code::kInvalid,
              "expected a file that can be read (" + std::string(std::strerror(errno)) + ")"};
  }
}

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode));
  return text;
}

}  // namespace

Result<File> readFile(const std::string& path, std::size_t maxBytes) {
  const Descriptor descriptor(path);
  struct stat info {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &info) != 0) return failure();
  if (!S_ISREG(info.st_mode)) return Error{Code::kInvalid, "expected a regular file"};
  File file{std::string(maxBytes + 1, '\0'), info.st_mode & 07777};
  std::size_t size = 0;
  while (size < file.text.size()) {
    const ssize_t got = ::read(descriptor.get(), file.text.data() + size, file.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure();
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > maxBytes) {
    wipe(file.text);
    return Error{Code::kInvalid,
                 "expected a file of at most " + std::to_string(maxBytes) + " bytes"};
  }
  file.text.resize(size);
  return file;
}

Result<Secret> readSecretFile(const std::string& path) {
  auto file = readFile(path, kMaxSecretBytes);
  if (!file) return file.error();
  Secret text = Secret::take(std::move(file->text));
  if ((file->mode & 0007) != 0) {
    return Error{Code::kInvalid,
                 "whose mode is " + octal(file->mode) + ", expected no right for others (0640)"};
  }
  return text;
}

}  // namespace mbr::config
