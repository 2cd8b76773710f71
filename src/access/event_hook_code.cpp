#include "access/event_hook_code.h"

#include <string>

#include "base/encoding.h"

namespace mbr::access {

Result<Secret> eventHookCode(const passwords::KeyRing& keys, std::string_view keyId,
                             std::int64_t epoch) {
  const auto mac = keys.mac("event-hook", std::to_string(epoch), keyId);
  if (!mac) return mac.error();
  return Secret::take(toBase64Url(*mac));
}

}  // namespace mbr::access
