// What the code under test writes to the log.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace mbr::test {

// Collects stderr while it lives, of all threads.
class CapturedLog {
 public:
  CapturedLog() : file_(std::tmpfile()), kept_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)) {
    if (file_ == nullptr || kept_ < 0) throw std::runtime_error("stderr cannot be collected");
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  ~CapturedLog() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    std::fclose(file_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string text() const {
    std::string all(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), '\0');
    if (::pread(::fileno(file_), all.data(), all.size(), 0) < 0) return "";
    return all;
  }
  bool has(const std::string& part) const { return text().find(part) != std::string::npos; }
  int count(const std::string& part) const {
    const std::string all = text();
    int found = 0;
    for (auto at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++found;
    return found;
  }

 private:
  std::FILE* const file_;
  const int kept_;
};

}  // namespace mbr::test
