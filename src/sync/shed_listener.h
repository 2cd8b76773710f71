// Hears from nginx which webhooks did not reach the daemon, and opens a gap for them.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"
#include "sync/shed_note.h"

namespace mbr::sync {

// Owns a thread and the unix datagram socket at `path`, which nginx's access_log writes to: one
// note for each webhook that was turned away (429, 413), broke off, or met no daemon (502 to 504).
// What it asked for is not in the note, so what follows is a gap of gap_reason::kShed, which a
// sweep works off; the store's change feed tells of it.
//
// A flood costs little: notes are added up to one range of time, written at once and then at most
// every `writeEvery`; reading goes on while a commit is under way. A range whose commit failed is
// kept and written again after `retryAfter`.
//
// The path is looked at every `lookEvery`. A file that was removed or replaced is bound anew; one
// that another process holds is left to it, another daemon of this installation; a missing
// directory or right is a warning, once. Times in which nobody listened count as shed. start() and
// stop() are for the owner.
class ShedListener {
 public:
  struct Options {
    std::string path;  // absolute; empty = off
    Milliseconds writeEvery{250};
    Milliseconds retryAfter{1000};
    Milliseconds lookEvery{10000};
  };

  // `store` and `clock` must outlive the listener.
  ShedListener(store::Store& store, const Clock& clock, Options options);
  ~ShedListener() { stop(); }
  ShedListener(const ShedListener&) = delete;
  ShedListener& operator=(const ShedListener&) = delete;

  void start();
  // Removes the socket's file, reads what was sent, writes what is not written yet (three tries)
  // and joins. Safe to repeat.
  void stop();

 private:
  class Desk;  // what the thread works with
  void run();

  store::Store& store_;
  const Clock& clock_;
  const Options options_;
  int wake_ = -1;  // eventfd; while the thread lives
  std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;     // the owner's alone
};

}  // namespace mbr::sync
