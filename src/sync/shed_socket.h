// The unix datagram socket that nginx writes its notes to.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mbr::sync {

// Keeps a socket bound at a path, and gives way to another process that has it.
//
// The file's mode is 0666, because nginx's workers run as a user of their own and have to write to
// it: who may do so is decided by the directory it lies in. Of a file at the path only a socket
// that no process holds is removed. One thread at a time.
class ShedSocket {
 public:
  enum class State {
    kOurs,      // bound, as before
    kBound,     // bound just now
    kHeld,      // another process listens there
    kUnusable,  // see why()
  };

  explicit ShedSocket(std::string path) : path_(std::move(path)) {}
  ~ShedSocket();
  ShedSocket(const ShedSocket&) = delete;
  ShedSocket& operator=(const ShedSocket&) = delete;

  // Binds if the path does not lead to our socket. Cheap if it does.
  State look();
  // errno of the last look() that ended with kUnusable.
  int why() const { return why_; }

  // To be read from, non-blocking, the newest last. nginx stays connected to the socket that it
  // first wrote to, so one whose file is gone is kept; beyond four the oldest goes.
  const std::vector<int>& descriptors() const { return open_; }

  // Removes the file if it is still ours. What was sent can be read until the object goes.
  void unlink();

 private:
  State bind();
  bool pathIsOurs() const;

  const std::string path_;
  std::vector<int> open_;
  bool bound_ = false;  // open_.back() was bound to device_, inode_
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int why_ = 0;
};

}  // namespace mbr::sync
