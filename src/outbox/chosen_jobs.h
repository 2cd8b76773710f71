// The jobs that a dispatcher keeps to, where it is not to run all that are due.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/job.h"
#include "store/store.h"

namespace mbr::outbox {

// Some jobs, and those that must end before them: the one that a job waits for, and the older ones
// of its contact and kind.
//
// Used inside transactions only, which run one after the other.
class ChosenJobs {
 public:
  explicit ChosenJobs(const std::vector<JobId>& jobs);

  // As Transaction::claimJobs() of one job of these, the oldest that can be claimed; whatever its
  // lane.
  std::vector<Job> claim(store::Transaction& tx, Instant leaseUntil);

  // As Transaction::listDueJobs() of these.
  std::vector<Job> listDue(store::Transaction& tx, std::string_view kind, Instant due,
                           int limit) const;

 private:
  std::optional<Job> claim(store::Transaction& tx, Job job, Instant leaseUntil);
  void addThoseBefore(store::Transaction& tx, const Job& job);

  std::map<JobId, Instant> open_;  // as far as is known, and when to look at each again
};

}  // namespace mbr::outbox
