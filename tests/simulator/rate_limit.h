// ActiveCampaign's limit: so many requests in any second, for the whole account.
#pragma once

#include <deque>
#include <mutex>

#include "stamp.h"

namespace acsim {

// Thread-safe. Every request counts, also one that is refused.
class RateLimit {
 public:
  struct Verdict {
    bool allowed = true;
    Ms at = 0;           // when it was counted
    long remaining = 0;  // after this request; -1 without a limit
  };

  // `rate` requests in any 1000 ms; a fractional rate R is ceil(R) requests in
  // any ceil(R) / R seconds; 0 means no limit.
  explicit RateLimit(double rate);

  Verdict take();
  long limit() const { return limit_; }

 private:
  const long limit_;
  const Ms window_;
  std::mutex mutex_;
  std::deque<Ms> taken_;  // guarded by mutex_: the last limit_ requests
};

}  // namespace acsim
