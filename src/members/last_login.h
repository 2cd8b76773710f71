// Writes down in ActiveCampaign when a member logged in last.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/clock.h"
#include "contacts/directories.h"
#include "domain/contact.h"
#include "store/store.h"

namespace mbr::members {

// A login so soon after the one that is written down is not.
inline constexpr std::chrono::hours kLastLoginEvery{1};

// Thread-safe.
class LastLogin {
 public:
  // All of them must outlive it. `field`: a personalization tag, upper-case; empty: nothing is ever
  // written. `onEnqueued` is called after a commit that added a job.
  LastLogin(store::Store& store, const contacts::Directories& directories, const Clock& clock,
            std::function<void()> onEnqueued, std::string field);

  // `contact`, as it is cached, logged in now. Submits a job of the lowest lane that sets the field
  // to the time, in ISO 8601 with an offset, unless one is open, or the field is unknown here.
  // Never waits: if the store refuses, the next login is written down.
  void note(const Contact& contact) const;

 private:
  bool isDue(const Contact& contact, Instant now) const;

  store::Store& store_;
  const contacts::Directories& directories_;
  const Clock& clock_;
  const std::function<void()> onEnqueued_;
  const std::string field_;
};

}  // namespace mbr::members
