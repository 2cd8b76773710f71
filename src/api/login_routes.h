// POST /membergate/v1/login
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <string>

#include "access/api_keys.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "base/clock.h"
#include "http/router.h"
#include "members/login_verifier.h"
#include "ops/metrics.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class LoginRoutes {
 public:
  // Commits a prepared session and calls `done` once it is on disk, or is not. Must not wait.
  // Errors: kConflict if the credential is no longer the one that changed last at
  // `credentialChangedAt`: a change of the password ends sessions, also those about to begin.
  using SaveSession =
      std::function<void(const store::SessionRecord& session, Instant credentialChangedAt,
                         std::function<void(Outcome)> done)>;

  struct Options {
    // A refused login is answered no sooner than this after its arrival, whatever the reason.
    Milliseconds failureTime{500};
  };

  // All of them must outlive the routes, and the routes every reply that is still open.
  LoginRoutes(access::ApiKeys& keys, access::Throttle& throttle, access::Sessions& sessions,
              members::LoginVerifier& verifier, const Clock& clock, SaveSession saveSession,
              Options options);

  // {"email","password","client_ip"?}. 200 {"contact","source","as_of","session",
  // "session_expires_at"} with the session on disk; 401 invalid_credentials, the same for unknown
  // e-mail, wrong password and none yet; 403 not_entitled; 429 throttled; 503. Scope login.
  void registerOn(http::Router& router);

 private:
  enum class Result { kAdmitted, kWrong, kNotEntitled, kThrottled, kBusy, kUnavailable };
  static constexpr std::size_t kResults = 6;
  struct Attempt;

  void login(const http::Request& request, const http::Reply& reply);
  void conclude(const Attempt& attempt, const mbr::Result<members::LoginResult>& verified);
  void admit(const Attempt& attempt, const members::LoginResult& result);
  void refuse(const Attempt& attempt);
  void count(const Attempt& attempt, Result result);

  access::ApiKeys& keys_;
  access::Throttle& throttle_;
  access::Sessions& sessions_;
  members::LoginVerifier& verifier_;
  const Clock& clock_;
  const SaveSession saveSession_;
  const Options options_;
  std::array<ops::Counter*, kResults> results_;
  ops::Histogram& seconds_;
};

}  // namespace mbr::api
