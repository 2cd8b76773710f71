#include "sync/shed_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "ops/log.h"
#include "ops/metrics.h"
#include "sync/shed_socket.h"

namespace mbr::sync {
namespace {

constexpr std::size_t kBatch = 32;        // datagrams a system call
constexpr std::size_t kNoteBytes = 2048;  // a longer one is cut off behind what is read of it
constexpr int kBatchesATurn = 64;         // then commits and the path get their turn
constexpr int kTriesAtStop = 3;

// Datagrams of one system call, in buffers that are used again.
class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_[i] = {bytes_[i].data(), bytes_[i].size()};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  // Parts and headers point into the object.
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // How many were there; never waits.
  std::size_t receive(int fd) {
    const int got = ::recvmmsg(fd, headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  std::string_view at(std::size_t i) const { return {bytes_[i].data(), headers_[i].msg_len}; }

 private:
  std::array<std::array<char, kNoteBytes>, kBatch> bytes_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> headers_{};
};

ops::Counter& notesOf(std::string_view status) {
  return ops::counter("membergate_shed_notes_total",
                      "Webhooks that did not reach the daemon, as nginx tells, by its answer.",
                      {{"status", std::string(status)}});
}

ops::Counter& ignoredNotes() {
  return ops::counter("membergate_shed_notes_ignored_total",
                      "Datagrams at the shed socket that say that they are about something else.");
}

void signal(int eventfd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(eventfd, &one, sizeof one);
}

}  // namespace

class ShedListener::Desk {
 public:
  Desk(store::Store& store, const Clock& clock, const Options& options, int wake)
      : store_(store),
        clock_(clock),
        options_(options),
        wake_(wake),
        socket_(options.path),
        lookAt_(clock.steady()),
        writeAt_(clock.steady()),
        heardUntil_(clock.now()) {}
  ~Desk() { awaitWrite(); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // Waits until there is something to do, and does it.
  void turn() {
    if (clock_.steady() >= lookAt_) look();
    await();
    drain();
    settle();
    if (!tally_.empty() && !writing_ && clock_.steady() >= writeAt_) beginWrite();
  }

  void finish() {
    socket_.unlink();
    drain();
    awaitWrite();
    settle();
    for (int tries = 0; !tally_.empty(); ++tries) {
      if (tries == kTriesAtStop) {
        // The next start opens a gap for the time without a daemon, and for what lies before it
        // back to the last one that was stored.
        ops::logError("shed_gap_not_saved", {{"notes", tally_.notes}});
        return;
      }
      if (tries > 0) ::poll(nullptr, 0, static_cast<int>(options_.retryAfter.count()));
      beginWrite();
      awaitWrite();
      settle();
    }
  }

 private:
  void look();
  void await();
  void drain();
  void take(std::string_view datagram);
  void beginWrite();
  void awaitWrite();
  void settle();
  ops::Counter& counterOf(std::string_view status);

  store::Store& store_;
  const Clock& clock_;
  const Options& options_;
  const int wake_;
  ShedSocket socket_;
  Batch batch_;
  std::vector<std::pair<std::string, ops::Counter*>> counters_;
  std::optional<ShedSocket::State> state_;  // of the last look
  int why_ = 0;                             // and what was wrong
  SteadyInstant lookAt_;
  SteadyInstant writeAt_;  // not before
  Instant heardUntil_;     // somebody listened then
  ShedTally tally_;        // not handed to the store yet
  ShedTally handed_;       // what the commit under way holds
  bool writing_ = false;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<Outcome> outcome_;  // guarded by mutex_; of the commit, once it ended
};

void ShedListener::Desk::look() {
  const auto state = socket_.look();
  const Instant now = clock_.now();
  lookAt_ = clock_.steady() + options_.lookEvery;
  const bool first = !state_;
  const bool news =
      first || state != *state_ || (state == ShedSocket::State::kUnusable && socket_.why() != why_);
  state_ = state;
  why_ = socket_.why();
  switch (state) {
    case ShedSocket::State::kBound:
      if (!first) tally_.cover(heardUntil_, now);
      ops::logInfo("shed_socket_bound", {{"path", options_.path}, {"again", !first}});
      break;
    case ShedSocket::State::kHeld:
      if (news) ops::logInfo("shed_socket_held_by_another", {{"path", options_.path}});
      break;
    case ShedSocket::State::kUnusable:
      if (news) {
        ops::logWarning("shed_socket_unusable",
                        {{"path", options_.path}, {"reason", std::strerror(why_)}});
      }
      return;
    case ShedSocket::State::kOurs:
      break;
  }
  heardUntil_ = now;
}

void ShedListener::Desk::await() {
  SteadyInstant until = lookAt_;
  if (!tally_.empty() && !writing_) until = std::min(until, writeAt_);
  const auto left = std::chrono::ceil<Milliseconds>(until - clock_.steady());
  std::vector<pollfd> awaited{{wake_, POLLIN, 0}};
  for (const int fd : socket_.descriptors()) awaited.push_back({fd, POLLIN, 0});
  ::poll(awaited.data(), awaited.size(), static_cast<int>(std::max(left, Milliseconds{0}).count()));
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto got = ::read(wake_, &ignored, sizeof ignored);
}

void ShedListener::Desk::drain() {
  for (const int fd : socket_.descriptors()) {
    for (int batch = 0; batch < kBatchesATurn; ++batch) {
      const std::size_t got = batch_.receive(fd);
      for (std::size_t i = 0; i < got; ++i) take(batch_.at(i));
      if (got < kBatch) break;
    }
  }
}

void ShedListener::Desk::take(std::string_view datagram) {
  const ShedNote note = readShedNote(datagram);
  if (note.kind == ShedNote::Kind::kForeign) return ignoredNotes().add();
  tally_.add(note, clock_.now());
  counterOf(note.status).add();
}

ops::Counter& ShedListener::Desk::counterOf(std::string_view status) {
  for (const auto& [known, counter] : counters_) {
    if (known == status) return *counter;
  }
  return *counters_.emplace_back(status, &notesOf(status)).second;
}

// Not Store::write: what nginx sends while a commit waits for the disk would find the queue full.
void ShedListener::Desk::beginWrite() {
  handed_ = std::exchange(tally_, {});
  writeAt_ = clock_.steady() + options_.writeEvery;
  store_.submit(
      [from = *handed_.from, to = *handed_.to](store::Transaction& tx) -> Outcome {
        tx.openGap(gap_reason::kShed, from, to);
        return Done{};
      },
      [this](Outcome outcome) {
        // All under the lock: whoever sees the outcome may take the desk away.
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(outcome);
        ended_.notify_all();
        signal(wake_);
      });
  writing_ = true;
}

void ShedListener::Desk::awaitWrite() {
  if (!writing_) return;
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return outcome_.has_value(); });
}

void ShedListener::Desk::settle() {
  std::optional<Outcome> outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome.swap(outcome_);
  }
  if (!outcome) return;
  writing_ = false;
  if (*outcome) {
    if (handed_.notes > 0) ops::logWarning("webhooks_shed", {{"notes", handed_.notes}});
    return;
  }
  ops::logWarning("shed_gap_delayed", {{"detail", outcome->error().detail}});
  tally_.merge(handed_);
  writeAt_ = clock_.steady() + options_.retryAfter;
}

ShedListener::ShedListener(store::Store& store, const Clock& clock, Options options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

void ShedListener::start() {
  if (options_.path.empty() || thread_.joinable()) return;
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0) {
    ops::logError("shed_listener_not_started", {{"reason", std::strerror(errno)}});
    return;
  }
  thread_ = std::thread([this] { run(); });
}

void ShedListener::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  signal(wake_);
  thread_.join();
  ::close(wake_);
}

void ShedListener::run() {
  Desk desk(store_, clock_, options_, wake_);
  const auto stopping = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  const auto guarded = [&](auto step) {
    try {
      step();
      return;
    } catch (const std::exception& e) {
      ops::logError("shed_listener_failed", {{"what", e.what()}});
    } catch (...) {
      ops::logError("shed_listener_failed", {{"what", "unknown exception"}});
    }
    ops::counter("membergate_shed_listener_failures_total", "Bugs met while listening.").add();
    pollfd awaited{wake_, POLLIN, 0};
    ::poll(&awaited, 1, static_cast<int>(options_.retryAfter.count()));
  };
  while (!stopping()) guarded([&] { desk.turn(); });
  guarded([&] { desk.finish(); });
}

}  // namespace mbr::sync
