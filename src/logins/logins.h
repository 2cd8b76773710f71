// The login of a member: from an e-mail and a password as somebody sent them to a session on disk.
//
// One use case behind every door: POST /v1/login, ActiveMember360's mbr_auth, the login page. What
// is asked of a caller before, and in which form he is told, is the door's; throttle, check, count,
// log and session are the same for all.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "access/address.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "members/login_verifier.h"
#include "ops/metrics.h"

namespace mbr::logins {

// What became of a login. The words of the metric and of the log, in this order.
enum class Verdict {
  kAdmitted,
  kWrong,        // unknown e-mail, no password yet, another password: never told apart
  kNotEntitled,  // the password is right, but this contact may not log in
  kThrottled,    // too many failures before: nothing was checked
  kBusy,         // too much is being hashed: nothing was checked
  kUnavailable,  // the store does not answer, or did not take the session
};
inline constexpr std::size_t kVerdicts = 6;

// One try of one person.
struct Attempt {
  std::string route;      // the door, for the log; empty: its line names none
  std::string requestId;  // for the log
  SteadyInstant arrived{};
  std::string user;  // the e-mail as sent; a text that is none counts, and is just wrong
  Secret password;   // as sent; may be empty
  // Whoever logs in; never a site's server. Without it failures are counted by the account alone.
  std::optional<access::Address> address;
  bool wantsSession = false;
  // Asked of the contact beside the entitlement, once the password is right. Empty: nothing more.
  std::function<bool(const Contact&)> condition;
};

struct StartedSession {
  Secret token;         // for the member
  Instant expiresAt{};  // unless it is used before
};

struct Answer {
  Verdict verdict = Verdict::kUnavailable;
  // A kWrong must not be answered before, so that time tells nothing: Attempt::arrived and
  // login.failure_time. Others may go out at once.
  SteadyInstant notBefore{};
  Milliseconds retryAfter{0};               // of kThrottled: when the next try is let through
  std::optional<Error> error;               // of kBusy and kUnavailable
  members::LoginResult login;               // of kAdmitted and kNotEntitled
  std::optional<StartedSession> session{};  // of kAdmitted, if it was wanted: it is on disk
};

// Thread-safe; never waits, so fast workers may call it.
class Logins {
 public:
  // Commits a prepared session and calls `done` once it is on disk, or is not. Must not wait.
  // Errors: kConflict if the credential is no longer the one that changed last at
  // `credentialChangedAt`: a change of the password ends sessions, also those about to begin.
  using SaveSession =
      std::function<void(const store::SessionRecord& session, Instant credentialChangedAt,
                         std::function<void(Outcome)> done)>;
  using DoneFn = std::function<void(const Answer&)>;

  struct Options {
    // A wrong login is answered no sooner than this after its arrival, whatever the reason.
    Milliseconds failureTime{500};
  };

  // All of them must outlive the object, and the object every attempt that is still open.
  Logins(access::Throttle& throttle, access::Sessions& sessions, members::LoginVerifier& verifier,
         const Clock& clock, SaveSession saveSession, Options options);

  // Calls `done` once, on any thread, perhaps before it returns. By then the try is counted
  // (membergate_logins_total, membergate_login_seconds), logged ("login") and known to the
  // throttle.
  void attempt(Attempt attempt, DoneFn done);

 private:
  struct Open;                                  // an attempt that is not answered yet
  using OpenPtr = std::shared_ptr<const Open>;  // shared by the callbacks that carry it

  void conclude(const OpenPtr& open, const Result<members::LoginResult>& verified);
  void admit(const OpenPtr& open, const members::LoginResult& login);
  void refuse(const OpenPtr& open);
  void fail(const OpenPtr& open, Verdict verdict, const Error& error);
  void answer(const OpenPtr& open, Answer answer);

  access::Throttle& throttle_;
  access::Sessions& sessions_;
  members::LoginVerifier& verifier_;
  const Clock& clock_;
  const SaveSession saveSession_;
  const Options options_;
  std::array<ops::Counter*, kVerdicts> verdicts_;
  ops::Histogram& seconds_;
};

}  // namespace mbr::logins
