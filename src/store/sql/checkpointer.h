// The thread that brings the write-ahead log home into the database file.
//
// SQLite would do it within whatever commit makes the log long: then that group waits for two more
// flushes, and on a slow disk under load every group does. Here the bulk is done beside the writer,
// who does only the rest that came meanwhile, so that the log begins anew.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"

namespace mbr::store::sql {

// Thread-safe. What fails is logged and done by the next pass, or by the one at the store's end.
class Checkpointer {
 public:
  // A pass is due when the log has grown by so many pages.
  static constexpr int kPages = 2000;

  Checkpointer(std::string path, Milliseconds busyTimeout);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // The log has `pages`; begins a pass if one is due. Never waits.
  void noteLog(int pages);

  // True once for each pass that has ended: the writer does the rest now.
  bool takePassed();

 private:
  void run();
  void pass() const;

  const std::string path_;
  const Milliseconds busyTimeout_;
  int notedAt_ = 0;  // the writer's thread only: how long the log was when the last pass began

  std::mutex mutex_;
  std::condition_variable wake_;
  bool due_ = false;       // guarded by mutex_
  bool passed_ = false;    // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mbr::store::sql
