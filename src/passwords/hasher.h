// Turns passwords into credentials and checks them.
//
// A fast credential is an HMAC under a subkey of the master key; a slow one is argon2id over such
// an HMAC, so a stolen database alone lets nobody guess either. Both hold the id of the master key:
//   fast  KEYID:hex digest over contact id and password
//   slow  KEYID:$argon2id$v=19$m=…,t=…,p=1$…
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "domain/credential.h"
#include "domain/ids.h"
#include "passwords/hash_memory.h"
#include "passwords/key_ring.h"

namespace mbr::passwords {

// Thread-safe. Functions marked "slow" take some 15 ms of a core and `memoryBytes`: they belong
// on a HashPool or a background thread, never in a transaction. They throw std::bad_alloc if that
// memory is not to be had.
class Hasher {
 public:
  // Of argon2id with one lane. libsodium takes at least 8 KiB and one pass.
  struct Options {
    std::size_t memoryBytes = 19456 * 1024;
    unsigned passes = 2;
    HashMemory* memory = nullptr;  // keeps it between two hashes; outlives the hasher
  };

  // Both must outlive the hasher. Hashes once (slow), to have something to verify for a member who
  // does not exist.
  Hasher(const KeyRing& keys, Random& random) : Hasher(keys, random, Options{}) {}
  Hasher(const KeyRing& keys, Random& random, Options options);

  // A credential with an empty `source`: whoever puts the text into ActiveCampaign's field, or
  // found it there, adds sourceDigest() of it.
  Credential makeFast(ContactId contact, const Secret& password, CredentialOrigin origin,
                      Instant now) const;
  Credential makeSlow(ContactId contact, const Secret& password, CredentialOrigin origin,
                      Instant now) const;  // slow

  // Whether `password` is the credential's. Slow, and takes the same time for both kinds. False
  // also if the master key of the credential is gone, which is logged.
  bool verify(const Credential& credential, const Secret& password) const;

  // Takes as long as verify(): for unknown members and for those without a credential. Slow.
  void verifyDummy(const Secret& password) const;

  // Whether the credential should be stored anew after a successful login: an adopted or default
  // password that is still fast, other argon2 parameters, or an older master key.
  bool needsUpgrade(const Credential& credential) const;

  // The same password in the form that needsUpgrade() asks for; all else stays, so the
  // result is for Transaction::reformCredential. Slow unless the password was generated.
  Credential upgraded(const Credential& credential, const Secret& password) const;

  // The slow form of a credential of any origin, made anew of its password. Slow.
  Credential hardened(const Credential& credential, const Secret& password) const;

  // The credential for the same member under another contact id: ActiveCampaign merged two
  // contacts.
  static Credential moved(const Credential& credential, ContactId to);

  // Keyed and salted digest for Credential::source: two digests of one text differ.
  std::string sourceDigest(const Secret& text) const;
  // Whether `source` was made of `text`; false for an empty one.
  bool sourceEquals(std::string_view source, const Secret& text) const;

 private:
  std::string fastDigest(ContactId contact, const Secret& password, std::string_view keyId) const;
  std::string argon2(const Secret& peppered, HashMemory* memory) const;
  bool verifyArgon2(const std::string& phc, const Secret& peppered) const;
  bool wantsSlow(const Credential& credential) const;

  const KeyRing& keys_;
  Random& random_;
  const Options options_;
  const std::string dummy_;  // a PHC string with our parameters
};

}  // namespace mbr::passwords
