#include "api/login_routes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "access/address.h"
#include "api/auth.h"
#include "api/limits.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/time_format.h"
#include "http/json_body.h"
#include "http/problem.h"
#include "ops/log.h"

namespace mbr::api {
namespace {

using members::LoginResult;

constexpr std::size_t kMaxEmailBytes = 1024;  // longer than any e-mail: just wrong, not malformed
constexpr std::size_t kMaxPasswordBytes = 256;
constexpr std::size_t kMaxAddressBytes = 64;
constexpr const char* kResultWords[] = {"admitted",  "wrong", "not_entitled",
                                        "throttled", "busy",  "unavailable"};

std::string_view toString(LoginResult::DataSource source) {
  switch (source) {
    case LoginResult::DataSource::kLive:
      return "live";
    case LoginResult::DataSource::kCache:
      return "cache";
    case LoginResult::DataSource::kStale:
      break;
  }
  return "stale";
}

struct Credentials {
  std::string email;  // as sent
  Secret password;
  std::optional<access::Address> address;
};

Credentials readCredentials(http::JsonBody& body) {
  Credentials credentials;
  credentials.email = body.requiredString("email", kMaxEmailBytes);
  credentials.password = Secret::take(body.requiredString("password", kMaxPasswordBytes));
  if (const auto address = body.optionalString("client_ip", kMaxAddressBytes)) {
    credentials.address = access::Address::parse(*address);
    if (!credentials.address) {
      body.refuse("invalid_request", "The member \"client_ip\" is not an address.");
    }
  }
  return credentials;
}

// Written by hand: the contact's text is ready.
http::Response render(const LoginResult& result, const access::Sessions::Prepared& session,
                      Instant expiresAt) {
  http::Response response;
  std::string& out = response.body;
  out = R"({"contact":)" + result.contact->json;
  out += R"(,"source":")";
  out += toString(result.source);
  out += R"(","as_of":")" + formatRfc3339(result.contact->contact.asOf);
  out += R"(","session":")" + session.token.reveal();
  out += R"(","session_expires_at":")" + formatRfc3339(expiresAt) + "\"}";
  response.with("Cache-Control", "no-store");
  return response;
}

http::Response tooManyTries(const std::string& requestId, Milliseconds retryAfter) {
  const auto seconds = std::max<Milliseconds::rep>(1, (retryAfter.count() + 999) / 1000);
  auto response = http::problemFor(requestId, 429, "throttled",
                                   "Too many failed logins: try again after Retry-After.");
  response.with("Retry-After", std::to_string(seconds));
  return response;
}

ops::Counter& resultCounter(const char* result) {
  return ops::counter("membergate_logins_total", "Logins by what became of them",
                      {{"result", result}});
}

}  // namespace

// What is needed to answer once the password has been checked.
struct LoginRoutes::Attempt {
  std::string requestId;
  SteadyInstant arrived;
  access::ThrottleTicket ticket = 0;
  http::Reply reply;
};

LoginRoutes::LoginRoutes(access::ApiKeys& keys, access::Throttle& throttle,
                         access::Sessions& sessions, members::LoginVerifier& verifier,
                         const Clock& clock, SaveSession saveSession, Options options)
    : keys_(keys),
      throttle_(throttle),
      sessions_(sessions),
      verifier_(verifier),
      clock_(clock),
      saveSession_(std::move(saveSession)),
      options_(options),
      seconds_(ops::durationHistogram("membergate_login_seconds",
                                      "From a login's arrival to its decision")) {
  for (std::size_t i = 0; i < kResults; ++i) results_[i] = &resultCounter(kResultWords[i]);
}

void LoginRoutes::registerOn(http::Router& router) {
  router.add("POST", "/membergate/v1/login",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { login(request, reply); });
}

void LoginRoutes::login(const http::Request& request, const http::Reply& reply) {
  if (!authorise(keys_, request, access::Scope::kLogin, reply)) return;
  http::JsonBody body(request, kMaxBodyBytes);
  const Credentials credentials = readCredentials(body);
  if (auto refusal = body.refusal()) return reply.send(*refusal);

  const auto email = Email::parse(credentials.email);
  Attempt attempt{request.requestId, request.arrived, 0, reply};
  const auto admission =
      throttle_.admit(email ? email->text() : credentials.email, credentials.address);
  if (!admission.allowed) {
    count(attempt, Result::kThrottled);
    return reply.send(tooManyTries(attempt.requestId, admission.retryAfter));
  }
  attempt.ticket = admission.ticket;
  if (!email) return refuse(attempt);
  verifier_.verify(*email, credentials.password, admission.knownPair,
                   [this, attempt = std::move(attempt)](const mbr::Result<LoginResult>& verified) {
                     conclude(attempt, verified);
                   });
}

void LoginRoutes::conclude(const Attempt& attempt, const mbr::Result<LoginResult>& verified) {
  if (!verified) {
    throttle_.released(attempt.ticket);
    count(attempt, verified.error().code == Code::kBusy ? Result::kBusy : Result::kUnavailable);
    return attempt.reply.send(http::errorResponse(attempt.requestId, verified.error()));
  }
  if (verified->status == LoginResult::Status::kWrong) return refuse(attempt);
  throttle_.succeeded(attempt.ticket);
  if (verified->status == LoginResult::Status::kAdmitted) return admit(attempt, *verified);
  count(attempt, Result::kNotEntitled);
  attempt.reply.send(http::problemFor(attempt.requestId, 403, "not_entitled",
                                      "The password is right, but this member may not log in."));
}

void LoginRoutes::admit(const Attempt& attempt, const LoginResult& result) {
  auto session = std::make_shared<const access::Sessions::Prepared>(
      sessions_.prepare(result.contact->contact.id, "password"));
  const auto answer = [this, attempt, result, session](const Outcome& saved) {
    if (!saved && saved.error().code == Code::kConflict) return refuse(attempt);
    const auto inForce = sessions_.inForce(session->record, clock_.now());
    if (!saved || !inForce) {
      count(attempt, Result::kUnavailable);
      const Error error = saved ? Error{Code::kUnavailable, "the session is over"} : saved.error();
      return attempt.reply.send(http::errorResponse(attempt.requestId, error));
    }
    count(attempt, Result::kAdmitted);
    attempt.reply.send(render(result, *session, inForce->expiresAt));
  };
  saveSession_(session->record, result.credentialChangedAt, answer);
}

void LoginRoutes::refuse(const Attempt& attempt) {
  throttle_.failed(attempt.ticket);
  count(attempt, Result::kWrong);
  attempt.reply.sendAt(attempt.arrived + options_.failureTime,
                       http::problemFor(attempt.requestId, 401, "invalid_credentials",
                                        "E-mail or password is wrong."));
}

void LoginRoutes::count(const Attempt& attempt, Result result) {
  const auto index = static_cast<std::size_t>(result);
  const std::chrono::duration<double> taken = clock_.steady() - attempt.arrived;
  results_[index]->add();
  seconds_.observe(taken.count());
  ops::logInfo("login", {{"result", kResultWords[index]}, {"request_id", attempt.requestId}});
}

}  // namespace mbr::api
