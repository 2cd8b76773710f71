// Instants in JSON.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/json.h"

namespace mbr {

// RFC 3339, or null for none and for the zero instant, which stands for none in rows.
json::Value timeOrNull(const std::optional<Instant>& at);

}  // namespace mbr
