// Tells a daemon whether another one works on the same database.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace mbr::app {

// Held by every daemon for as long as it runs; the kernel gives it back however the process ends.
// One thread at a time.
class ProcessLock {
 public:
  // The lock's file, which lies beside the database.
  static std::string pathFor(const std::string& storePath) { return storePath + ".lock"; }

  // Takes it for itself alone if nobody holds it, else with the others. `path` is made if need be
  // (mode 0600). Throws StartError if it cannot be.
  explicit ProcessLock(const std::string& path);
  ~ProcessLock();
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

  // No other daemon held it when this one began, so jobs that count as running were left by one
  // that was killed.
  bool wasAlone() const { return alone_; }

  // Lets other daemons in, once the jobs that were left are released.
  void share();

  // Whether some process holds it; makes no file.
  static bool isHeld(const std::string& path);
  // One that holds it; nothing if none does, or the kernel does not tell.
  static std::optional<pid_t> holderOf(const std::string& path);

 private:
  int fd_ = -1;
  bool alone_ = false;
};

}  // namespace mbr::app
