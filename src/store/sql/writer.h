// The thread that writes. It takes what waits, runs it in one transaction and commits once.
//
// Three queues. What goes ahead has a transaction of its own, so that it is not held up by the work
// of a flood; the one after that takes all, so that no queue can shut out another. What goes behind
// is taken with the rest, but while somebody logs in it stays where it is for a moment.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/sql/change_log.h"
#include "store/sql/checkpointer.h"
#include "store/sql/connection.h"
#include "store/sql/sql_store.h"

namespace mbr::store::sql {

// Thread-safe.
class Writer {
 public:
  // Takes over the session that opened the file. `clock` must outlive the writer.
  Writer(const SqlStore::Options& options, const Clock& clock,
         std::unique_ptr<Connection> connection);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  enum class Turn { kAhead, kInOrder, kBehind };

  void submit(Store::Work work, Store::DoneFn done, Turn turn);
  void subscribe(Store::Listener listener);

  bool isThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  struct Piece {
    Store::Work work;
    Store::DoneFn done;
    bool setBack = false;  // was in a group that ended before its turn
    Outcome outcome{Done{}};
  };
  using Pieces = std::vector<Piece>;
  using Queue = std::deque<Piece>;

  std::optional<Error> refusal(const Queue& queue) const;  // of a new piece; with mutex_ held
  void run();
  // Waits for pieces; nothing if none came within the interval. `*stop` once there will be none.
  Pieces take(bool* stop);
  // These with mutex_ held, up to the empty line.
  Queue& queueOf(Turn turn);
  bool isIdle() const { return ahead_.empty() && waiting_.empty() && behind_.empty(); }
  bool isLoggingIn() const { return options_.loginsFirst && options_.loginsFirst->held(); }
  bool mayGoBehind() const;
  void gather(std::unique_lock<std::mutex>& lock);
  static void move(Queue& from, std::size_t most, Pieces& group);

  void runGroup(Pieces group);
  // Runs pieces until the end or until the transaction is gone; returns how many were begun.
  std::size_t runPieces(Pieces& group, ChangeLog& log);
  void runPiece(Piece& piece, ChangeLog& log, Instant now);
  Outcome commit(const Pieces& group, std::size_t begun);

  void ensureConnection();
  void tendLog();
  void look();
  // Reads into `seen_` what others committed since the last look.
  void readOthers();
  void publish(std::vector<Change> own);
  static void finish(Pieces& group);

  const SqlStore::Options options_;
  const Clock& clock_;

  // The writer's thread only, from the constructor's end on.
  std::unique_ptr<Connection> connection_;
  std::optional<std::int64_t> dataVersion_;  // nothing: unknown, look at the feed
  std::int64_t lastChange_ = 0;              // the newest one that listeners were told of
  std::vector<Change> seen_;                 // others' changes, not yet told
  Checkpointer checkpointer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  Queue ahead_;                             // guarded by mutex_
  Queue waiting_;                           // guarded by mutex_
  Queue behind_;                            // guarded by mutex_
  SteadyInstant behindSince_{};             // guarded by mutex_: when the first of behind_ came
  bool wasAhead_ = false;                   // guarded by mutex_: the last group was of ahead_ alone
  std::vector<Store::Listener> listeners_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::thread thread_;
};

}  // namespace mbr::store::sql
