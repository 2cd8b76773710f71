// A dispatcher on the real store, with a clock moved by hand, and ways to wait for what it does.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ops/timer.h"
#include "outbox/dispatcher.h"
#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/seeded_random.h"
#include "support/test_store.h"

namespace mbr::outbox {

inline constexpr std::chrono::seconds kPatience{20};

// Opened by a test, waited for by a handler, or the other way round.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  // Throws if it stays shut.
  void wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return open_; })) {
      throw std::runtime_error("the gate stays shut");
    }
  }
  bool isOpen() {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class OutboxRig {
 public:
  OutboxRig() {
    store.subscribe([this](const std::vector<store::Change>& changes) {
      dispatcher.onChanges(changes);
      note();
    });
  }
  ~OutboxRig() {
    dispatcher.stop();
    database.reset();
  }
  OutboxRig(const OutboxRig&) = delete;
  OutboxRig& operator=(const OutboxRig&) = delete;

  test::FakeClock clock;
  test::SeededRandom random;
  ops::Timer timer;
  std::unique_ptr<test::TestStore> database = std::make_unique<test::TestStore>(clock);
  test::FailingStore store{*database};
  Dispatcher::Options options;
  Dispatcher dispatcher{store, clock, random, timer, options};

  JobId add(const std::string& kind, const std::function<void(Job&)>& with = {}) {
    Job job;
    job.kind = kind;
    job.lane = Lane::kPassword;
    job.payload = "{}";
    job.createdAt = job.dueAt = clock.now();
    if (with) with(job);
    JobId id = 0;
    database->write([&](store::Transaction& tx) { id = tx.addJob(job); });
    return id;
  }
  Job job(JobId id) {
    std::optional<Job> found;
    database->read([&](store::Reader& reader) { found = reader.findJob(id); });
    CPPUNIT_ASSERT(found.has_value());
    return *found;
  }
  std::optional<std::string> meta(const std::string& key) {
    std::optional<std::string> found;
    database->read([&](store::Reader& reader) { found = reader.findMeta(key); });
    return found;
  }
  Job claim() {
    std::vector<Job> claimed;
    database->write([&](store::Transaction& tx) {
      claimed = tx.claimJobs(1, Lane::kBackfill, clock.now() + options.lease);
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, claimed.size());
    return claimed.front();
  }

  // Looks whenever a commit changed something, until `isTrue`.
  void awaitThat(const char* what, const std::function<bool()>& isTrue) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      std::uint64_t seen = 0;
      {
        const std::lock_guard lock(mutex_);
        seen = notes_;
      }
      if (isTrue()) return;
      std::unique_lock lock(mutex_);
      const auto pause = std::chrono::steady_clock::now() + std::chrono::milliseconds{200};
      changed_.wait_until(lock, std::min(until, pause), [&] { return notes_ != seen; });
      CPPUNIT_ASSERT_MESSAGE(what, std::chrono::steady_clock::now() < until);
    }
  }
  void awaitState(JobId id, JobState state) {
    awaitThat(toString(state).data(), [&] { return job(id).state == state; });
  }
  // Until the job was put back by a handler that ran `times` times.
  void awaitPutBack(JobId id, const std::atomic<int>& runs, int times) {
    awaitThat("put back", [&] { return runs == times && job(id).state == JobState::kQueued; });
  }
  void pass(Milliseconds time) {
    clock.advance(time);
    dispatcher.wake();
  }
  // For what changes no row.
  void note() {
    {
      const std::lock_guard lock(mutex_);
      ++notes_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t notes_ = 0;  // guarded by mutex_
};

}  // namespace mbr::outbox
