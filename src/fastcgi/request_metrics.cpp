#include "fastcgi/request_metrics.h"

#include <string>

namespace mbr::fastcgi {

RequestMetrics::RequestMetrics()
    : seconds_(
          ops::durationHistogram("membergate_http_request_seconds",
                                 "Time from a request's first byte until its answer is sent.")),
      connections_(ops::gauge("membergate_fastcgi_connections", "Open connections from nginx.")) {}

void RequestMetrics::answered(int status, std::chrono::nanoseconds took) {
  counterOf(status).add();
  seconds_.observe(std::chrono::duration<double>(took).count());
}

ops::Counter& RequestMetrics::counterOf(int status) {
  auto& slot = byStatus_[static_cast<std::size_t>(status) % kStatuses];
  ops::Counter* known = slot.load(std::memory_order_acquire);
  if (known == nullptr) {
    known = &ops::counter("membergate_http_requests_total", "Requests answered, by status.",
                          {{"status", std::to_string(status)}});
    slot.store(known, std::memory_order_release);
  }
  return *known;
}

}  // namespace mbr::fastcgi
