// Who has opened the status page.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "access/api_keys.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace mbr::access {

// The cookie that holds the token of such a session.
inline constexpr std::string_view kAdminCookie = "membergate_admin";

// A session stands for the API key that opened it, and ends with it. Sessions are kept in memory,
// by the token's digest: a restart ends them all. Thread-safe; never waits.
class AdminSessions {
 public:
  static constexpr std::chrono::hours kLife{12};
  static constexpr std::size_t kMost = 100;  // then the one that ends first goes

  // All must outlive the object.
  AdminSessions(ApiKeys& keys, Random& random, const Clock& clock)
      : keys_(keys), random_(random), clock_(clock) {}

  // Opens a session with a key. Returns its token, 43 characters of base64url.
  // Errors: kDenied (no key in force, or not of scope admin), kUnavailable (the keys could never be
  // read).
  Result<Secret> open(std::string_view key);

  // Whose session it is. Errors: kDenied (none in force, or its key is not), kUnavailable.
  Result<Caller> find(std::string_view token);

  // An unknown token is no error.
  void end(std::string_view token);

 private:
  struct Session {
    std::int64_t keyId = 0;
    SteadyInstant endsAt{};
  };

  void makeRoom(SteadyInstant now);  // with mutex_ held

  ApiKeys& keys_;
  Random& random_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Session> sessions_;  // guarded by mutex_; by digest
};

}  // namespace mbr::access
