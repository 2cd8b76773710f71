#include "rate_limit.h"

#include <cmath>

namespace acsim {

RateLimit::RateLimit(double rate)
    : limit_(static_cast<long>(std::ceil(rate))),
      window_(rate > 0 ? std::lround(1000.0 * std::ceil(rate) / rate) : 0) {}

RateLimit::Verdict RateLimit::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  Verdict verdict;
  verdict.at = nowMs();
  if (limit_ == 0) {
    verdict.remaining = -1;
    return verdict;
  }
  while (!taken_.empty() && verdict.at - taken_.front() >= window_) taken_.pop_front();
  const long before = static_cast<long>(taken_.size());
  verdict.allowed = before < limit_;
  verdict.remaining = verdict.allowed ? limit_ - before - 1 : 0;
  taken_.push_back(verdict.at);
  if (before >= limit_) taken_.pop_front();
  return verdict;
}

}  // namespace acsim
