#include "store/sql/writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "ops/log.h"
#include "ops/metrics.h"
#include "store/sql/sql_transaction.h"
#include "store/sql/write_scope.h"

namespace mbr::store::sql {
namespace {

struct Metrics {
  ops::Counter& commits =
      ops::counter("membergate_store_commits_total", "Commits, each of a group of pieces");
  ops::Counter& pieces =
      ops::counter("membergate_store_pieces_total", "Pieces of work that were committed");
  ops::Counter& failures =
      ops::counter("membergate_store_failures_total", "Groups that could not be committed");
  ops::Histogram& seconds =
      ops::durationHistogram("membergate_store_commit_seconds", "Begin to commit of a group");
};

Metrics& metrics() {
  static Metrics all;
  return all;
}

Error unavailable(std::string detail, std::optional<Milliseconds> retryAfter = std::nullopt) {
  return {Code::kUnavailable, std::move(detail), retryAfter};
}

}  // namespace

Writer::Writer(const SqlStore::Options& options, const Clock& clock,
               std::unique_ptr<Connection> connection)
    : options_(options),
      clock_(clock),
      connection_(std::move(connection)),
      checkpointer_(options.path, options.busyTimeout) {
  connection_->leaveLog();
  dataVersion_ = connection_->integer("PRAGMA data_version");
  lastChange_ = lastChangeId(*connection_);
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Writer::subscribe(Store::Listener listener) {
  const std::lock_guard lock(mutex_);
  listeners_.push_back(std::move(listener));
}

void Writer::submit(Store::Work work, Store::DoneFn done, Turn turn) {
  std::unique_lock lock(mutex_);
  Queue& queue = queueOf(turn);
  if (const auto refused = refusal(queue)) {
    lock.unlock();
    return done(*refused);
  }
  const bool first = queue.empty();  // for the others the writer was woken already
  if (first && turn == Turn::kBehind) behindSince_ = std::chrono::steady_clock::now();
  queue.push_back({std::move(work), std::move(done)});
  lock.unlock();
  if (first) wake_.notify_one();
}

Writer::Queue& Writer::queueOf(Turn turn) {
  return turn == Turn::kAhead ? ahead_ : turn == Turn::kInOrder ? waiting_ : behind_;
}

std::optional<Error> Writer::refusal(const Queue& queue) const {
  if (stopping_) return unavailable("store: stopping");
  if (queue.size() < options_.maxWaiting) return std::nullopt;
  return Error{Code::kBusy, "store: too many pieces wait", std::chrono::seconds{1}};
}

void Writer::run() {
  bool stop = false;
  while (!stop) {
    try {
      Pieces group = take(&stop);
      if (!group.empty()) {
        runGroup(std::move(group));
      } else if (!stop) {
        look();
      }
    } catch (...) {
      ops::logError("store_writer_failed");
    }
  }
  try {
    ensureConnection();
    connection_->run("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const Failed& failed) {
    ops::logWarning("store_checkpoint_failed", {{"error", failed.error().detail}});
  }
  connection_.reset();
}

Writer::Pieces Writer::take(bool* stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, options_.watchInterval, [&] { return stopping_ || !isIdle(); });
  gather(lock);
  *stop = stopping_ && isIdle();
  Pieces group;
  move(ahead_, options_.maxGroup, group);
  wasAhead_ = !group.empty() && !wasAhead_;
  if (wasAhead_) return group;
  // Those behind are few, a thread each: they have their place also when more wait than fit.
  const std::size_t room = options_.maxGroup - group.size();
  const std::size_t behind = mayGoBehind() ? std::min(behind_.size(), room) : 0;
  move(waiting_, room - behind, group);
  move(behind_, behind, group);
  return group;
}

// While somebody logs in, until something goes ahead or what waits has waited for long enough.
void Writer::gather(std::unique_lock<std::mutex>& lock) {
  while (!isIdle() && isLoggingIn()) {
    const auto enough = [&] { return stopping_ || !ahead_.empty(); };
    if (wake_.wait_for(lock, options_.gather, enough)) return;
    if (!waiting_.empty() || mayGoBehind()) return;
  }
}

bool Writer::mayGoBehind() const {
  return stopping_ || !isLoggingIn() ||
         std::chrono::steady_clock::now() - behindSince_ >= options_.loginsFirst->longest();
}

void Writer::move(Queue& from, std::size_t most, Pieces& group) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), most));
  std::move(from.begin(), end, std::back_inserter(group));
  from.erase(from.begin(), end);
}

void Writer::runGroup(Pieces group) {
  const auto start = std::chrono::steady_clock::now();
  std::size_t begun = 0;
  std::vector<Change> own;
  Outcome committed{Done{}};
  try {
    ensureConnection();
    WriteScope scope(*connection_);
    readOthers();
    ChangeLog log(*connection_, lastChange_);
    begun = runPieces(group, log);
    committed = commit(group, begun);
    if (committed) lastChange_ = log.last();
    own = log.take();
  } catch (const Failed& failed) {
    committed = failed.error();
  } catch (const std::exception& exception) {
    committed = unavailable(exception.what());
  }
  if (committed) {
    metrics().commits.add();
    metrics().pieces.add(static_cast<double>(begun));
    metrics().seconds.observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  } else {
    own.clear();
    metrics().failures.add();
    ops::logError(
        "store_group_failed",
        {{"error", committed.error().detail}, {"pieces", group.size()}, {"begun", begun}});
    // An error that a piece made itself may rest on rows that are gone now.
    for (std::size_t i = 0; i < begun; ++i) {
      group[i].outcome = unavailable(committed.error().detail, committed.error().retryAfter);
    }
  }

  Pieces rest;
  for (std::size_t i = begun; i < group.size(); ++i) {
    // If nothing could be begun at all there is no point in trying the same again.
    if (begun == 0 || group[i].setBack) {
      group[i].outcome = unavailable(committed.error().detail, committed.error().retryAfter);
    } else {
      rest.push_back(std::move(group[i]));
      rest.back().setBack = true;
    }
  }
  group.resize(group.size() - rest.size());
  try {
    publish(std::move(own));
  } catch (const std::exception& exception) {
    // Whoever waits for his commit must hear of it all the same.
    ops::logError("store_not_published", {{"error", exception.what()}});
  }
  finish(group);
  tendLog();
  if (!rest.empty()) runGroup(std::move(rest));
}

std::size_t Writer::runPieces(Pieces& group, ChangeLog& log) {
  const Instant now = clock_.now();
  std::size_t begun = 0;
  for (Piece& piece : group) {
    if (!connection_->inTransaction()) break;
    ++begun;
    runPiece(piece, log, now);
  }
  return begun;
}

void Writer::runPiece(Piece& piece, ChangeLog& log, Instant now) {
  const std::size_t changesBefore = log.size();
  try {
    connection_->run("SAVEPOINT piece");
    SqlTransaction transaction(*connection_, log, now);
    piece.outcome = piece.work(transaction);
    if (piece.outcome) {
      connection_->run("RELEASE piece");
      return;
    }
  } catch (const Failed& failed) {
    piece.outcome = failed.error();
  } catch (const std::exception& exception) {
    ops::logError("store_work_failed", {{"error", exception.what()}});
    piece.outcome = Error{Code::kInternal, "store: the work threw", std::nullopt};
  } catch (...) {
    ops::logError("store_work_failed");
    piece.outcome = Error{Code::kInternal, "store: the work threw", std::nullopt};
  }
  log.truncate(changesBefore);
  if (!connection_->inTransaction()) return;
  try {
    connection_->run("ROLLBACK TO piece");
    connection_->run("RELEASE piece");
  } catch (const Failed&) {
    WriteScope::rollback(*connection_);
  }
}

Outcome Writer::commit(const Pieces& group, std::size_t begun) {
  if (!connection_->inTransaction()) {
    const Outcome& last = group[begun - 1].outcome;
    return unavailable(last ? "store: the transaction is gone" : last.error().detail);
  }
  try {
    connection_->run("COMMIT");
    return Done{};
  } catch (const Failed& failed) {
    return failed.error();
  }
}

// After everybody was answered. With the rest brought home too, the next commit begins the log
// anew.
void Writer::tendLog() {
  if (!connection_) return;
  try {
    if (checkpointer_.takePassed()) connection_->checkpoint();
  } catch (const Failed& failed) {
    ops::logWarning("store_checkpoint_failed", {{"error", failed.error().detail}});
  }
  checkpointer_.noteLog(connection_->logPages());
}

void Writer::ensureConnection() {
  if (connection_ && !connection_->broken() && !connection_->inTransaction()) return;
  connection_.reset();
  dataVersion_.reset();
  connection_ = std::make_unique<Connection>(options_.path, options_.busyTimeout);
  connection_->leaveLog();
  ops::logWarning("store_reopened");
}

void Writer::look() {
  try {
    ensureConnection();
    readOthers();
  } catch (const Failed& failed) {
    ops::logWarning("store_look_failed", {{"error", failed.error().detail}});
  }
  publish({});
}

void Writer::readOthers() {
  constexpr int kPage = 1000;
  const std::int64_t version = connection_->integer("PRAGMA data_version");
  if (dataVersion_ == version) return;
  for (bool more = true; more;) {
    auto page = changesAfter(*connection_, lastChange_, kPage);
    more = page.size() == kPage;
    if (!page.empty()) lastChange_ = page.back().id;
    seen_.insert(seen_.end(), page.begin(), page.end());
  }
  dataVersion_ = version;
}

void Writer::publish(std::vector<Change> own) {
  std::vector<Change> changes = std::move(seen_);
  seen_.clear();
  changes.insert(changes.end(), own.begin(), own.end());
  if (changes.empty()) return;
  std::vector<Store::Listener> listeners;
  {
    const std::lock_guard lock(mutex_);
    listeners = listeners_;
  }
  for (const auto& listener : listeners) {
    try {
      listener(changes);
    } catch (const std::exception& exception) {
      ops::logError("store_listener_failed", {{"error", exception.what()}});
    }
  }
}

void Writer::finish(Pieces& group) {
  for (Piece& piece : group) {
    try {
      piece.done(std::move(piece.outcome));
    } catch (const std::exception& exception) {
      ops::logError("store_done_failed", {{"error", exception.what()}});
    }
  }
}

}  // namespace mbr::store::sql
