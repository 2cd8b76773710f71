#include "cli/new_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/files.h"
#include "cli/exit_code.h"
#include "cli/identity.h"

namespace mbr::cli {
namespace {

[[noreturn]] void fail(const std::string& path) {
  const int number = errno;
  const std::string sentence = path + ": " + std::strerror(number);
  if (number == EEXIST) throw Failure(kNegative, path + ": exists already and is not overwritten");
  if (number == EACCES || number == EPERM || number == EROFS) {
    throw Failure(kNotPermitted, sentence + "; " + whomToUse(folderOf(path)));
  }
  throw Failure(kUnreachable, sentence);
}

}  // namespace

NewFiles::~NewFiles() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) std::remove(path->c_str());
}

void NewFiles::makeFolder(const std::string& path, mode_t mode) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return;
    errno = ENOTDIR;
    fail(path);
  }
  if (errno != ENOENT) fail(path);
  if (path.size() > 1) makeFolder(folderOf(path), 0755);
  if (::mkdir(path.c_str(), mode) != 0) fail(path);
  made_.push_back(path);
  if (::chmod(path.c_str(), mode) != 0) fail(path);  // whatever the umask took away
}

void NewFiles::write(const std::string& path, std::string_view text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail(path);
  made_.push_back(path);
  const bool written = writeAll(fd, text) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const int number = errno;
  ::close(fd);
  errno = number;
  if (!written) fail(path);
}

}  // namespace mbr::cli
