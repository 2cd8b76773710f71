// The store on SQLite.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/right_of_way.h"
#include "store/store.h"

namespace mbr::store::sql {

// "sqlite:///var/lib/membergate/membergate.db" -> "/var/lib/membergate/membergate.db".
// Errors: kInvalid.
Result<std::string> sqlitePath(std::string_view url);

class SqlStore final : public Store {
 public:
  struct Options {
    std::string path;                 // absolute; its folder must exist
    int readers = 4;                  // reads at the same time, >= 1
    std::size_t maxWaiting = 20000;   // pieces that may wait, of each of the writer's queues
    std::size_t maxGroup = 512;       // pieces in one commit
    Milliseconds busyTimeout{5000};   // for another process's write
    Milliseconds readerWait{5000};    // for a free reader
    Milliseconds watchInterval{500};  // between looks at other processes' commits
    // While it is held somebody who logs in waits for the cores: pieces gather for a moment then,
    // so that fewer commits are in the way, unless one comes that goes ahead, and what write()
    // brings, which nobody waits for, gives way. Outlives the store; null: never.
    const RightOfWay* loginsFirst = nullptr;
    Milliseconds gather{3};
  };

  // Opens the file, creating it (mode 0600) and bringing it to this release's schema if need be,
  // and starts the writer. `clock` must outlive the store.
  // Errors: kNotFound (no such folder), kDenied (no access), kInvalid (not a database, or corrupt),
  // kConflict (made by a newer release or by another program), kUnavailable (disk; with
  // `retryAfter` if another process holds the file).
  static Result<std::unique_ptr<SqlStore>> open(const Options& options, const Clock& clock);

  // Works off what was submitted, empties the WAL into the file and joins. No other call may be
  // under way.
  ~SqlStore() override;

  // A refusal (kBusy, or kUnavailable while the store stops) calls `done` at once, on the caller's
  // thread.
  void submit(Work work, DoneFn done) override;
  void submitAhead(Work work, DoneFn done) override;
  Outcome write(Work work) override;
  Outcome writeAhead(Work work) override;
  Outcome read(const ReadWork& work) override;
  void subscribe(Listener listener) override;

 private:
  struct Parts;
  explicit SqlStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace mbr::store::sql
