// The master keys of this installation and what is derived from them.
//
// The key file holds one key a line, newest first, as ID:HEX64 (an id of 1 to 16 letters and
// digits, and 32 bytes in hexadecimal). Empty lines and lines that start with # are skipped. What
// is made with a key names the key's id; new things use the first key, older ones stay readable
// as long as their line is in the file.
//
// No master key is used directly: each purpose has a subkey of its own, so that what one purpose
// shows says nothing about another.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace mbr::passwords {

// Immutable, so any thread may use it. Keys are wiped when the ring goes.
class KeyRing {
 public:
  // Errors, each naming the file and what is expected: kNotFound (no such file), kDenied (not
  // readable, or readable by others than owner and group), kInvalid (its text).
  static Result<KeyRing> load(const std::string& path);

  // Writes a new file with one key, mode 0640, and flushes it to disk.
  // Errors: kConflict (there is one: nothing was changed), kUnavailable (could not write).
  static Outcome create(const std::string& path, Random& random);

  // Puts a new key before the others and replaces the file in one step, keeping comments, owner
  // and group. A running service uses the new key after its next start.
  // Errors: those of load(), kUnavailable (could not write; the old file is untouched).
  static Outcome rotate(const std::string& path, Random& random);

  const std::string& currentId() const { return keys_.front().id; }
  // The key that has been there longest, for digests that should survive a rotation.
  const std::string& oldestId() const { return keys_.back().id; }
  std::vector<std::string> ids() const;  // newest first
  bool has(std::string_view keyId) const;

  // The 32 bytes of a purpose. Errors: kNotFound (no key of that id).
  Result<Secret> subkey(std::string_view purpose, std::string_view keyId) const;

  // HMAC-SHA-256 of `bytes` under the purpose's subkey: 32 bytes. Errors: as subkey().
  Result<std::string> mac(std::string_view purpose, std::string_view bytes,
                          std::string_view keyId) const;
  // The same under the current key, which is always there.
  std::string mac(std::string_view purpose, std::string_view bytes) const;

  // Printable, kept in the database to notice a wrong file; says nothing about the key.
  // Errors: as subkey().
  Result<std::string> checkValue(std::string_view keyId) const;

 private:
  struct Key {
    std::string id;
    Secret bytes;
  };

  static Result<KeyRing> parse(const std::string& path, std::string_view text);
  const Key* find(std::string_view keyId) const;

  std::vector<Key> keys_;  // never empty
};

// HMAC-SHA-256 with a key of any length: 32 bytes. For callers that keep a subkey.
std::string hmacSha256(const Secret& key, std::string_view bytes);

// The same with the key set up once, which is half of the work for a short text. Immutable, so any
// thread may use it. The key is wiped when it goes.
class Hmac {
 public:
  explicit Hmac(const Secret& key);
  ~Hmac();
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;

  std::string of(std::string_view bytes) const;  // 32 bytes

 private:
  struct Ready;
  std::unique_ptr<Ready> ready_;
};

}  // namespace mbr::passwords
