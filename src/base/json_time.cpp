#include "base/json_time.h"

#include "base/time_format.h"

namespace mbr {

json::Value timeOrNull(const std::optional<Instant>& at) {
  return at && *at != Instant{} ? json::Value(formatRfc3339(*at)) : json::Value();
}

}  // namespace mbr
