#include "passwords/hasher.h"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/encoding.h"
#include "ops/log.h"
#include "passwords/contact_bytes.h"

namespace mbr::passwords {
namespace {

constexpr char kFastPurpose[] = "password-fast";
constexpr char kPepperPurpose[] = "password-pepper";
constexpr char kSourcePurpose[] = "password-source";
constexpr std::size_t kSaltBytes = 8;

// A hash or source as it is stored: the id of the master key, a colon, the rest.
struct Stored {
  std::string_view keyId;
  std::string_view rest;
};

Stored split(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// A fast digest is of the contact it was made for, whose id follows it if the credential moved.
struct FastDigest {
  std::string_view digest;
  ContactId contact = 0;
};

FastDigest readFast(const Credential& credential, std::string_view rest) {
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return {rest, credential.contactId};
  return {rest.substr(0, colon), parseId(rest.substr(colon + 1)).value_or(0)};
}

std::string sourceMac(const KeyRing& keys, std::string_view keyId, std::string_view salt,
                      const Secret& text) {
  const auto key = keys.subkey(kSourcePurpose, keyId);
  if (!key) return {};
  const Secret salted = Secret::take(std::string(salt) + text.reveal());
  return hmacSha256(*key, salted.reveal());
}

// `credential` in the form of `made`.
Credential withHashOf(const Credential& made, const Credential& credential) {
  Credential out = credential;
  out.kind = made.kind;
  out.hash = made.hash;
  return out;
}

}  // namespace

Hasher::Hasher(const KeyRing& keys, Random& random, Options options)
    : keys_(keys),
      random_(random),
      options_(options),
      dummy_(argon2(Secret::take(random.bytes(crypto_auth_hmacsha256_BYTES)), nullptr)) {}

std::string Hasher::argon2(const Secret& peppered, HashMemory* memory) const {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
  std::array<char, crypto_pwhash_STRBYTES> phc{};
  const HashMemory::Loan loan(memory);
  errno = 0;
  if (crypto_pwhash_str_alg(phc.data(), peppered.reveal().data(), peppered.size(), options_.passes,
                            options_.memoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    if (errno == EINVAL) throw std::invalid_argument("argon2 does not take these parameters");
    throw std::bad_alloc();
  }
  return phc.data();
}

// crypto_pwhash_str_verify answers -1 both for another password and for a failed allocation.
bool Hasher::verifyArgon2(const std::string& phc, const Secret& peppered) const {
  const HashMemory::Loan loan(options_.memory);
  errno = 0;
  if (crypto_pwhash_str_verify(phc.c_str(), peppered.reveal().data(), peppered.size()) == 0) {
    return true;
  }
  if (errno == ENOMEM) throw std::bad_alloc();
  return false;
}

std::string Hasher::fastDigest(ContactId contact, const Secret& password,
                               std::string_view keyId) const {
  const auto key = keys_.subkey(kFastPurpose, keyId);
  if (!key) return {};
  const Secret text = Secret::take(contactBytes(contact) + password.reveal());
  return toHex(hmacSha256(*key, text.reveal()));
}

Credential Hasher::makeFast(ContactId contact, const Secret& password, CredentialOrigin origin,
                            Instant now) const {
  const std::string& id = keys_.currentId();
  return {contact, CredentialKind::kFast, origin, id + ":" + fastDigest(contact, password, id), "",
          now};
}

Credential Hasher::makeSlow(ContactId contact, const Secret& password, CredentialOrigin origin,
                            Instant now) const {
  const Secret peppered = Secret::take(keys_.mac(kPepperPurpose, password.reveal()));
  const std::string hash = keys_.currentId() + ":" + argon2(peppered, options_.memory);
  return {contact, CredentialKind::kSlow, origin, hash, "", now};
}

bool Hasher::verify(const Credential& credential, const Secret& password) const {
  const Stored stored = split(credential.hash);
  if (!keys_.has(stored.keyId)) {
    ops::logError("credential_key_missing", {{"contact_id", credential.contactId}});
    verifyDummy(password);
    return false;
  }
  if (credential.kind == CredentialKind::kFast) {
    const FastDigest fast = readFast(credential, stored.rest);
    const bool same =
        equalInConstantTime(fastDigest(fast.contact, password, stored.keyId), fast.digest);
    verifyDummy(password);
    return same;
  }
  const Secret peppered =
      Secret::take(keys_.mac(kPepperPurpose, password.reveal(), stored.keyId).value());
  return verifyArgon2(std::string(stored.rest), peppered);
}

void Hasher::verifyDummy(const Secret& password) const {
  verifyArgon2(dummy_, Secret::take(keys_.mac(kPepperPurpose, password.reveal())));
}

bool Hasher::wantsSlow(const Credential& credential) const {
  return credential.kind == CredentialKind::kSlow ||
         credential.origin != CredentialOrigin::kGenerated;
}

bool Hasher::needsUpgrade(const Credential& credential) const {
  const Stored stored = split(credential.hash);
  if (stored.keyId != keys_.currentId()) return true;
  if (credential.kind == CredentialKind::kFast) {
    return wantsSlow(credential) ||
           readFast(credential, stored.rest).contact != credential.contactId;
  }
  return crypto_pwhash_str_needs_rehash(std::string(stored.rest).c_str(), options_.passes,
                                        options_.memoryBytes) != 0;
}

Credential Hasher::upgraded(const Credential& credential, const Secret& password) const {
  if (wantsSlow(credential)) return hardened(credential, password);
  return withHashOf(makeFast(credential.contactId, password, credential.origin, {}), credential);
}

Credential Hasher::hardened(const Credential& credential, const Secret& password) const {
  return withHashOf(makeSlow(credential.contactId, password, credential.origin, {}), credential);
}

Credential Hasher::moved(const Credential& credential, ContactId to) {
  Credential out = credential;
  out.contactId = to;
  if (credential.kind == CredentialKind::kFast) {
    const Stored stored = split(credential.hash);
    const FastDigest fast = readFast(credential, stored.rest);
    out.hash = std::string(stored.keyId) + ':' + std::string(fast.digest);
    if (fast.contact != to) out.hash += ':' + std::to_string(fast.contact);
  }
  return out;
}

std::string Hasher::sourceDigest(const Secret& text) const {
  const std::string salt = random_.bytes(kSaltBytes);
  const std::string& id = keys_.currentId();
  return id + ":" + toHex(salt) + toHex(sourceMac(keys_, id, salt, text));
}

bool Hasher::sourceEquals(std::string_view source, const Secret& text) const {
  const Stored stored = split(source);
  const auto bytes = fromHex(stored.rest);
  if (!bytes || bytes->size() != kSaltBytes + crypto_auth_hmacsha256_BYTES) return false;
  const std::string_view salt = std::string_view(*bytes).substr(0, kSaltBytes);
  return equalInConstantTime(sourceMac(keys_, stored.keyId, salt, text),
                             std::string_view(*bytes).substr(kSaltBytes));
}

}  // namespace mbr::passwords
