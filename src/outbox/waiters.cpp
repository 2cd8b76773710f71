#include "outbox/waiters.h"

#include <limits>

namespace mbr::outbox {

void Waiters::add(JobId job, SteadyInstant deadline, AwaitFn done, ops::Timer& timer) {
  Key key{job, 0};
  {
    const std::lock_guard lock(mutex_);
    key.second = ++last_;
    waiting_.emplace(key, std::move(done));
  }
  const std::weak_ptr<Waiters> self = weak_from_this();
  const auto task = timer.at(deadline, [self, key] {
    if (const auto waiters = self.lock()) waiters->expire(key);
  });
  if (task == 0) expire(key);  // the timer has stopped
}

std::vector<JobId> Waiters::waitedFor(const std::vector<JobId>& candidates) const {
  const std::lock_guard lock(mutex_);
  std::vector<JobId> found;
  for (const JobId job : candidates) {
    const auto first = waiting_.lower_bound({job, 0});
    if (first != waiting_.end() && first->first.first == job) found.push_back(job);
  }
  return found;
}

bool Waiters::empty() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty();
}

void Waiters::ended(const Job& job) {
  std::vector<AwaitFn> calls;
  {
    const std::lock_guard lock(mutex_);
    const auto first = waiting_.lower_bound({job.id, 0});
    const auto last = waiting_.upper_bound({job.id, std::numeric_limits<std::uint64_t>::max()});
    for (auto it = first; it != last; ++it) calls.push_back(std::move(it->second));
    waiting_.erase(first, last);
  }
  for (const AwaitFn& call : calls) call(job);
}

void Waiters::giveUp() {
  std::map<Key, AwaitFn> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  for (const auto& [key, call] : all) call(std::nullopt);
}

void Waiters::expire(Key key) {
  AwaitFn call;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(key);
    if (found == waiting_.end()) return;
    call = std::move(found->second);
    waiting_.erase(found);
  }
  call(std::nullopt);
}

}  // namespace mbr::outbox
