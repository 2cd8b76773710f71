// What is counted about requests and connections.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

#include "ops/metrics.h"

namespace mbr::fastcgi {

// Thread-safe, and cheap enough for every request.
class RequestMetrics {
 public:
  RequestMetrics();

  void answered(int status, std::chrono::nanoseconds took);
  void connectionOpened() { connections_.add(1); }
  void connectionsClosed(std::size_t count) { connections_.add(-static_cast<double>(count)); }

 private:
  ops::Counter& counterOf(int status);

  static constexpr std::size_t kStatuses = 600;
  std::array<std::atomic<ops::Counter*>, kStatuses> byStatus_{};  // looked up on first use
  ops::Histogram& seconds_;
  ops::Gauge& connections_;
};

}  // namespace mbr::fastcgi
