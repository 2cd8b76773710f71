// ActiveCampaign's limit: so many requests in any second, for the whole account.
#pragma once

#include <deque>
#include <mutex>

#include "stamp.h"

namespace acsim {

// Thread-safe. Every request counts, also one that is refused, and those of the account's other
// clients, which nobody sends: they are counted as if they had come evenly spaced.
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
  void setForeign(double rate);  // requests a second of other clients
  long limit() const { return limit_; }

 private:
  const long limit_;
  const Ms window_;
  void count(Ms at);
  void countForeign(Ms now);

  std::mutex mutex_;
  double foreign_ = 0;    // guarded by mutex_
  double foreignAt_ = 0;  // guarded by mutex_: when the next of them comes
  std::deque<Ms> taken_;  // guarded by mutex_: the last limit_ requests
};

}  // namespace acsim
