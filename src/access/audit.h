// What this room writes to the audit. Private to it.
#pragma once

#include <string>
#include <string_view>

#include "store/records.h"

namespace mbr::access {

inline store::AuditRecord audit(Instant at, std::string_view actor, std::string_view action,
                                std::string_view detail) {
  return {at, std::string(actor), std::string(action), std::nullopt, std::string(detail), ""};
}

}  // namespace mbr::access
