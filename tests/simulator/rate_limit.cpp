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
  countForeign(verdict.at);
  while (!taken_.empty() && verdict.at - taken_.front() >= window_) taken_.pop_front();
  const long before = static_cast<long>(taken_.size());
  verdict.allowed = before < limit_;
  verdict.remaining = verdict.allowed ? limit_ - before - 1 : 0;
  count(verdict.at);
  return verdict;
}

void RateLimit::setForeign(double rate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (rate == foreign_) return;
  foreign_ = rate;
  foreignAt_ = static_cast<double>(nowMs());
}

void RateLimit::count(Ms at) {
  taken_.push_back(at);
  if (static_cast<long>(taken_.size()) > limit_) taken_.pop_front();
}

void RateLimit::countForeign(Ms now) {
  if (foreign_ <= 0) return;
  const double step = 1000.0 / foreign_;
  const double first = static_cast<double>(now - window_);
  if (foreignAt_ < first) foreignAt_ += std::ceil((first - foreignAt_) / step) * step;
  for (; foreignAt_ <= static_cast<double>(now); foreignAt_ += step) {
    count(static_cast<Ms>(foreignAt_));
  }
}

}  // namespace acsim
