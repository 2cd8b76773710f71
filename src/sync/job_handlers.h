// The jobs that talk to ActiveCampaign. Each handler stands being run again from any point: what is
// done is in the job's payload, committed before the next request.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "activecampaign/client.h"
#include "base/clock.h"
#include "members/contact_updater.h"
#include "members/job_payload.h"
#include "members/password_issuer.h"
#include "members/password_wiper.h"
#include "outbox/dispatcher.h"
#include "store/store.h"
#include "sync/contact_reader.h"

namespace mbr::sync {

// The last answers about imports that have ended. Thread-safe.
class EndedImports {
 public:
  std::optional<activecampaign::ImportInfo> find(const std::string& batch) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(batch);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(const std::string& batch, const activecampaign::ImportInfo& info) {
    constexpr std::size_t kMost = 100;
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMost) known_.clear();
    known_[batch] = info;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, activecampaign::ImportInfo> known_;  // guarded by mutex_
};

// What every handler works with; all of it outlives the dispatcher.
struct Workshop {
  store::Store& store;
  const Clock& clock;
  outbox::Dispatcher& dispatcher;
  ClientPool& clients;
  const ContactReader& reader;
  const contacts::Directories& directories;
  members::ContactUpdater& updater;
  const members::PasswordIssuer& issuer;
  // One request and its wait for the budget; well below the lease of a job.
  Milliseconds callDeadline{30000};
  members::PasswordRule passwordRule{};
  // Null: nothing is ever wiped.
  const members::PasswordWiper* wiper = nullptr;
  // Passwords go the bulk way where this many are due; 0 = never.
  int bulkFrom = 10;
  // An import is looked after for the first time after so long, then so often; once that has gone
  // on for so long, its contacts go singly.
  Milliseconds importFirstLook{2000};
  Milliseconds importLook{5000};
  Milliseconds importPatience = std::chrono::minutes{3};
  // Shared by the workers; copies of the workshop share it too.
  std::shared_ptr<EndedImports> endedImports = std::make_shared<EndedImports>();

  activecampaign::Call call(Lane lane, const StopFlag& stop) const {
    return {lane, clock.steady() + callDeadline, &stop};
  }
};

// Registers the handlers of every kind in members/job_payload.h. `workshop` must outlive the
// dispatcher.
void registerJobHandlers(outbox::Dispatcher& dispatcher, const Workshop& workshop);

// kPasswordJob: fresh read, decide, write, confirm, then the steps. kFollowUpJob: the steps alone.
outbox::Verdict runPasswordJob(const Workshop& workshop, Job& job, const StopFlag& stop);
outbox::Verdict runFollowUpJob(const Workshop& workshop, Job& job, const StopFlag& stop);
// kChangeJob: what the site asked for; removals first.
outbox::Verdict runChangeJob(const Workshop& workshop, Job& job, const StopFlag& stop);
outbox::Verdict runRefreshJob(const Workshop& workshop, Job& job, const StopFlag& stop);
// Refreshes that go together: one page of reads for at most kPageSize contacts.
bool joinsRefreshBatch(const Job& job, Instant now);
std::vector<outbox::Verdict> runRefreshBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                             const StopFlag& stop);
outbox::Verdict runTagsJob(const Workshop& workshop, Job& job, const StopFlag& stop);
// Also makes the fields that are ours where they are missing.
outbox::Verdict runDirectoriesJob(const Workshop& workshop, Job& job, const StopFlag& stop);
// kLinkTokenJob: writes a token to the field of a contact that still has none.
outbox::Verdict runLinkTokenJob(const Workshop& workshop, Job& job, const StopFlag& stop);

// kWipeJob: takes a password out of the field, if it is still the one that was put or found there.
outbox::Verdict runWipeJob(const Workshop& workshop, Job& job, const StopFlag& stop);

}  // namespace mbr::sync
