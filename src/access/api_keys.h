// Keys of the REST API: "mbr_" + 8 public characters + "_" + 43 characters of base64url.
//
// A key has 256 random bits, so its plain SHA-256 is kept and survives the loss of the master key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/scopes.h"
#include "access/snapshot.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"

namespace mbr::access {

struct Caller {
  std::int64_t id = 0;
  std::string name;
  Scopes scopes;
};

struct ApiKeyEntry {
  std::int64_t id = 0;
  std::string name;
  std::string prefix;  // the public part: tells which key a site uses
  Scopes scopes;
  Instant createdAt{};
  std::optional<Instant> revokedAt;
};

// Thread-safe; as for Codes, authenticate() is for fast workers too, and what writes is for
// background threads and the command line.
class ApiKeys {
 public:
  // All must outlive the object.
  ApiKeys(store::Store& store, Random& random, const Clock& clock);

  // Makes a key, which is shown this once. `actor` is for the audit.
  // Errors: kInvalid (name, no scope), kConflict (a key of that name is in force), those of the
  // store.
  Result<Secret> create(std::string_view name, Scopes scopes, std::string_view actor = "cli");

  // Oldest first, revoked ones too. Errors: those of the store.
  Result<std::vector<ApiKeyEntry>> list();

  // Errors: kNotFound (none of that name is in force), those of the store.
  Outcome revoke(std::string_view name, std::string_view actor = "cli");

  // Who sends "Bearer KEY". Errors: kDenied (no key, or none that is in force), kUnavailable (the
  // keys could never be read).
  Result<Caller> authenticate(std::string_view authorizationHeader);

  // The same for a key alone, as the status page's form has it.
  Result<Caller> authenticateKey(std::string_view key);

  // Who that key belongs to. Errors: as authenticate().
  Result<Caller> find(std::int64_t id);

  // After a change of kind kApiKey; may be called by the store's listener.
  void onChange() { active_.markStale(); }

  // Reads the keys now, so that a start can fail. Errors: those of the store.
  Outcome reload() { return active_.reload(); }

 private:
  struct Known {
    std::string digest;
    Caller caller;
  };
  using Active = std::unordered_map<std::string, Known>;  // by prefix

  Result<Active> load();

  store::Store& store_;
  Random& random_;
  Snapshot<Active> active_;
};

}  // namespace mbr::access
