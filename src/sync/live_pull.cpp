#include "sync/live_pull.h"

#include <algorithm>
#include <utility>

#include "members/job_payload.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::sync {
namespace {

// Someone who waits; called once, by the pull or by his deadline, whichever is first.
class Waiter {
 public:
  explicit Waiter(contacts::Source::DoneFn done) : done_(std::move(done)) {}

  void answer(const Result<contacts::Pulled>& result) {
    contacts::Source::DoneFn done;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
    }
    if (done) done(result);
  }

 private:
  std::mutex mutex_;
  contacts::Source::DoneFn done_;  // guarded by mutex_; empty once called
};

std::string keyOf(const contacts::Who& who) {
  return (who.id ? std::to_string(*who.id) : "") + '|' + (who.email ? who.email->text() : "");
}

ops::Counter& pulls(const char* result) {
  return ops::counter("membergate_live_pulls_total", "Live pulls, by result.",
                      {{"result", result}});
}

}  // namespace

struct LivePull::Flight {
  contacts::Who who;
  SteadyInstant deadline;                        // of the last one who joined; guarded by mutex_
  std::vector<std::shared_ptr<Waiter>> waiters;  // guarded by mutex_
};

LivePull::LivePull(const ContactReader& reader, ClientPool& clients,
                   members::ContactUpdater& updater, store::Store& store, const Clock& clock,
                   ops::Timer& timer, Options options)
    : reader_(reader),
      clients_(clients),
      updater_(updater),
      store_(store),
      clock_(clock),
      timer_(timer),
      options_(options) {}

LivePull::~LivePull() { stop(); }

void LivePull::start() {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
}

void LivePull::stop() {
  stop_.raise();
  std::deque<std::shared_ptr<Flight>> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(queue_);
  }
  queued_.notify_all();
  for (const auto& flight : left) land(flight, Error{Code::kUnavailable, "stopping"});
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void LivePull::pull(contacts::Who who, SteadyInstant deadline, DoneFn done) {
  auto waiter = std::make_shared<Waiter>(std::move(done));
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    const std::string key = keyOf(who);
    const auto found = flights_.find(key);
    if (found != flights_.end()) {
      found->second->waiters.push_back(waiter);
      found->second->deadline = std::max(found->second->deadline, deadline);
    } else if (stop_.raised() || queue_.size() >= options_.queue) {
      full = true;
    } else {
      auto flight = std::make_shared<Flight>();
      flight->who = std::move(who);
      flight->deadline = deadline;
      flight->waiters.push_back(waiter);
      flights_.emplace(key, flight);
      queue_.push_back(std::move(flight));
    }
  }
  if (full) return waiter->answer(Error{Code::kBusy, "too many live pulls wait"});
  queued_.notify_one();
  const auto late = [waiter] {
    waiter->answer(Error{Code::kUnavailable, "the pull's deadline passed"});
  };
  if (timer_.at(deadline, late) == 0) late();
}

void LivePull::run() {
  for (;;) {
    std::shared_ptr<Flight> flight;
    SteadyInstant deadline;
    {
      std::unique_lock lock(mutex_);
      queued_.wait(lock, [this] { return stop_.raised() || !queue_.empty(); });
      if (queue_.empty()) return;
      flight = std::move(queue_.front());
      queue_.pop_front();
      deadline = flight->deadline;
    }
    try {
      land(flight, fetch(flight->who, deadline));
    } catch (const std::exception& e) {
      ops::logError("live_pull_failed", {{"what", e.what()}});
      land(flight, Error{Code::kInternal, "the pull failed"});
    }
  }
}

Result<contacts::Pulled> LivePull::fetch(const contacts::Who& who, SteadyInstant deadline) {
  if (clock_.steady() >= deadline) return Error{Code::kUnavailable, "the pull's deadline passed"};
  const auto client = clients_.lease();
  const auto read = reader_.read(*client, who, {Lane::kLogin, deadline, &stop_});
  if (!read) return read.error();
  contacts::Pulled pulled;
  const Outcome stored = store_.writeAhead([&](store::Transaction& tx) -> Outcome {
    updater_.applyRead(tx, read->snapshot, read->goneId);
    // A field is new in ActiveCampaign: the refresh learns its name first, which may take too long
    // for somebody who waits.
    if (read->snapshot && read->namesIncomplete) {
      members::enqueueRefresh(tx, {read->snapshot->id, ""});
    }
    return Done{};
  });
  if (!stored) return stored.error();
  if (read->snapshot) pulled.contact = read->snapshot->id;
  return pulled;
}

void LivePull::land(const std::shared_ptr<Flight>& flight, const Result<contacts::Pulled>& result) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    const std::lock_guard lock(mutex_);
    flights_.erase(keyOf(flight->who));
    waiters.swap(flight->waiters);
  }
  pulls(!result ? "failed" : result->contact ? "found" : "not_found").add();
  for (const auto& waiter : waiters) waiter->answer(result);
}

}  // namespace mbr::sync
