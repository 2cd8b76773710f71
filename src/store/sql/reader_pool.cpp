#include "store/sql/reader_pool.h"

#include <algorithm>

namespace mbr::store::sql {

ReaderPool::ReaderPool(std::string path, int size, Milliseconds busyTimeout, Milliseconds wait)
    : path_(std::move(path)), busyTimeout_(busyTimeout), wait_(wait), free_(std::max(size, 1)) {}

ReaderPool::Loan ReaderPool::take() {
  std::unique_ptr<Connection> connection;
  {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, wait_, [&] { return free_ > 0; })) {
      throw Failed(Error{Code::kUnavailable, "store: no free reader"});
    }
    --free_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection) {
    try {
      connection = std::make_unique<Connection>(path_, busyTimeout_);
    } catch (...) {
      giveBack(nullptr);
      throw;
    }
  }
  return {*this, std::move(connection)};
}

void ReaderPool::giveBack(std::unique_ptr<Connection> connection) {
  // One that could not end its transaction would show the same old view for ever.
  if (connection && (connection->broken() || connection->inTransaction())) connection.reset();
  const std::lock_guard lock(mutex_);
  ++free_;
  if (connection) idle_.push_back(std::move(connection));
  freed_.notify_one();
}

}  // namespace mbr::store::sql
