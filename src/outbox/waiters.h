// Who waits for which job.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "domain/job.h"
#include "ops/timer.h"

namespace mbr::outbox {

// Each waiter is called exactly once: with the ended job, or with nothing at its deadline.
// Thread-safe; owned by a shared_ptr, because the timer's tasks may outlive the dispatcher.
class Waiters : public std::enable_shared_from_this<Waiters> {
 public:
  using AwaitFn = std::function<void(std::optional<Job>)>;

  void add(JobId job, SteadyInstant deadline, AwaitFn done, ops::Timer& timer);

  // The jobs among `candidates` that anyone waits for.
  std::vector<JobId> waitedFor(const std::vector<JobId>& candidates) const;
  bool empty() const;

  void ended(const Job& job);

  // Calls everyone with nothing.
  void giveUp();

 private:
  using Key = std::pair<JobId, std::uint64_t>;

  void expire(Key key);

  mutable std::mutex mutex_;
  std::map<Key, AwaitFn> waiting_;  // guarded by mutex_
  std::uint64_t last_ = 0;          // guarded by mutex_
};

}  // namespace mbr::outbox
