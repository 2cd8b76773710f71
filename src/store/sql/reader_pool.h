// A fixed number of sessions for reads. Poco's SessionPool throws when it is empty; this one waits.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/sql/connection.h"

namespace mbr::store::sql {

// Thread-safe.
class ReaderPool {
 public:
  ReaderPool(std::string path, int size, Milliseconds busyTimeout, Milliseconds wait);

  // A session on loan; it goes back when the loan ends, or is closed if it is broken.
  class Loan {
   public:
    Loan(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    ~Loan() { pool_.giveBack(std::move(connection_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    Connection& connection() { return *connection_; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits for a free session. Throws Failed (kUnavailable) if none comes free in time or none can
  // be opened.
  Loan take();

 private:
  void giveBack(std::unique_ptr<Connection> connection);

  const std::string path_;
  const Milliseconds busyTimeout_;
  const Milliseconds wait_;
  std::mutex mutex_;
  std::condition_variable freed_;
  int free_;                                       // guarded by mutex_: loans that may be given
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_: open, at most free_
};

}  // namespace mbr::store::sql
