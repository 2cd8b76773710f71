// Counts what becomes of webhook calls, per route.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "members/delivery_applier.h"
#include "ops/metrics.h"

namespace mbr::webhook {

// The word of the answer and of the metric.
std::string_view toString(members::Receipt::Status status);

// Thread-safe.
class DeliveryMetrics {
 public:
  explicit DeliveryMetrics(const std::string& route);

  void taken(members::Receipt::Status status);
  // `code` is a code of problem+json.
  void refused(std::string_view code);

 private:
  std::array<ops::Counter*, 3> taken_;
  std::map<std::string, ops::Counter*, std::less<>> refused_;
};

}  // namespace mbr::webhook
