// The listening socket: found on fd 0 or bound by path, and given up without harm to a successor.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "base/result.h"
#include "fastcgi/descriptor.h"

namespace mbr::fastcgi {

// Thread-safe once open() has returned.
class Listener {
 public:
  ~Listener();

  // Takes the socket on fd 0, or binds `socketPath` (mode 0660) if it is not empty. A socket file
  // that nobody listens on is replaced.
  // Errors: kUnavailable; the detail says what to do.
  Outcome open(const std::string& socketPath);

  // Reports new connections to `epollFd`, edge-triggered: whoever is woken calls acceptAll().
  // Also after acceptAll() gave up: asks for the edge again. Nothing after retire().
  void watch(int epollFd, void* tag);

  // Accepts until no connection is left; every socket reads and writes with `timeout`. One thread
  // accepts, others wait for it. False if the process ran out of descriptors or memory: then
  // watch() again a little later.
  bool acceptAll(std::chrono::milliseconds timeout, const std::function<void(Descriptor)>& take);

  // Accepts once more what waits, then closes our copy alone: never shutdown(), which would end
  // the socket for whoever shares it. A path that we bound is unlinked before, so that nobody
  // comes too late. fd 0 becomes /dev/null, so that no file gets that number.
  void retire(std::chrono::milliseconds timeout, const std::function<void(Descriptor)>& take);

 private:
  Outcome takeStandardInput();
  Outcome bindPath(const std::string& path);
  // The caller holds mutex_.
  bool acceptWaiting(std::chrono::milliseconds timeout,
                     const std::function<void(Descriptor)>& take);
  void removePath();
  void close();

  std::mutex mutex_;
  int fd_ = -1;            // guarded by mutex_
  int epollFd_ = -1;       // guarded by mutex_; where fd_ is watched
  std::string boundPath_;  // guarded by mutex_
};

}  // namespace mbr::fastcgi
