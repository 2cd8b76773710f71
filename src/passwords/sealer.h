// Keeps a secret in a row of the database until it has done its work.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/ids.h"
#include "passwords/key_ring.h"

namespace mbr::passwords {

// XChaCha20-Poly1305 under a subkey of the master key. A sealed text belongs to one contact: moved
// to another one's row it does not open. Its length shows the secret's length.
//
// Thread-safe.
class Sealer {
 public:
  // Both must outlive the sealer.
  Sealer(const KeyRing& keys, Random& random) : keys_(keys), random_(random) {}

  // Bytes that hold the id of the key; two seals of one secret differ.
  std::string seal(const Secret& secret, ContactId contact) const;

  // Errors: kNotFound (made with a key that the key file no longer holds), kInvalid (no sealed
  // text, changed, or another contact's).
  Result<Secret> open(std::string_view sealed, ContactId contact) const;

 private:
  const KeyRing& keys_;
  Random& random_;
};

}  // namespace mbr::passwords
