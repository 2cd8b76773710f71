// The security code that ActiveCampaign's event webhook carries in its URL.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/secret.h"
#include "passwords/key_ring.h"

namespace mbr::access {

// The code is derived, not stored: base64url of an HMAC of the epoch, 43 characters. So the hook
// can be registered again at any time without a secret in the database.
// Errors: kNotFound (no key of that id).
Result<Secret> eventHookCode(const passwords::KeyRing& keys, std::string_view keyId,
                             std::int64_t epoch);

}  // namespace mbr::access
