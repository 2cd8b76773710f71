#include "store/sql/checkpointer.h"

#include <utility>

#include "ops/log.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

Checkpointer::Checkpointer(std::string path, Milliseconds busyTimeout)
    : path_(std::move(path)), busyTimeout_(busyTimeout) {
  thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Checkpointer::noteLog(int pages) {
  if (pages < notedAt_) notedAt_ = 0;  // it has begun anew
  if (pages < notedAt_ + kPages) return;
  notedAt_ = pages;
  {
    const std::lock_guard lock(mutex_);
    due_ = true;
  }
  wake_.notify_all();
}

bool Checkpointer::takePassed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(passed_, false);
}

void Checkpointer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || due_; });
    if (stopping_) return;
    due_ = false;
    lock.unlock();
    pass();
    lock.lock();
    passed_ = true;
  }
}

// With a session of its own each time, so that a file or a disk that failed leaves nothing behind.
void Checkpointer::pass() const {
  try {
    Connection(path_, busyTimeout_).checkpoint();
  } catch (const Failed& failed) {
    ops::logWarning("store_checkpoint_failed", {{"error", failed.error().detail}});
  }
}

}  // namespace mbr::store::sql
