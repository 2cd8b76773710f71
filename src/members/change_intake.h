// Takes what the site asks for: each change is committed as a job before anyone is told.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "members/job_payload.h"
#include "members/tombstones.h"
#include "store/store.h"

namespace mbr::members {

// For so long a request that comes again is known.
inline constexpr std::chrono::hours kRepeatable{24};

// Thread-safe.
class ChangeIntake {
 public:
  // A request that its sender may send again, by the key that he gave it.
  struct Once {
    std::int64_t apiKeyId = 0;
    std::string key;
    std::string request;  // digest of all that makes it the same request
  };
  // What was taken under the same key before.
  struct Earlier {
    bool sameRequest = false;
    Job job;
  };
  struct Taken {
    JobId job = 0;
    std::optional<Earlier> earlier;  // if set, nothing was committed
  };
  using DoneFn = std::function<void(Result<Taken>)>;

  // All of them must outlive the intake. `onEnqueued` is called after a commit that added a job.
  // `tombstones`: a contact that is asked for by its e-mail may come back; null: none was erased.
  ChangeIntake(store::Store& store, const Clock& clock, std::function<void()> onEnqueued,
               const Tombstones* tombstones = nullptr);

  // Errors: those of the store.
  Result<std::optional<Earlier>> findEarlier(const Once& once) const;

  // Commits a job for `change`, and with it what `once` names, and calls `done` once they are on
  // disk. Does not wait. Errors: those of the store.
  void submit(ChangePayload change, std::optional<Once> once, DoneFn done) const;

 private:
  store::Store& store_;
  const Clock& clock_;
  std::function<void()> onEnqueued_;
  const Tombstones* const tombstones_;
};

}  // namespace mbr::members
