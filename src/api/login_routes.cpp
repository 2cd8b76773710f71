#include "api/login_routes.h"

#include <string>
#include <utility>

#include "access/address.h"
#include "api/auth.h"
#include "api/limits.h"
#include "base/time_format.h"
#include "http/json_body.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

using members::LoginResult;

constexpr std::size_t kMaxEmailBytes = 1024;  // longer than any e-mail: just wrong, not malformed
constexpr std::size_t kMaxPasswordBytes = 256;
constexpr std::size_t kMaxAddressBytes = 64;

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

logins::Attempt readAttempt(http::JsonBody& body) {
  logins::Attempt attempt;
  attempt.user = body.requiredString("email", kMaxEmailBytes);
  attempt.password = Secret::take(body.requiredString("password", kMaxPasswordBytes));
  attempt.wantsSession = true;
  if (const auto address = body.optionalString("client_ip", kMaxAddressBytes)) {
    attempt.address = access::Address::parse(*address);
    if (!attempt.address) {
      body.refuse("invalid_request", "The member \"client_ip\" is not an address.");
    }
  }
  return attempt;
}

// Written by hand: the contact's text is ready.
http::Response render(const LoginResult& login, const logins::StartedSession& session) {
  http::Response response;
  std::string& out = response.body;
  out = R"({"contact":)" + login.contact->json;
  out += R"(,"source":")";
  out += toString(login.source);
  out += R"(","as_of":")" + formatRfc3339(login.contact->contact.asOf);
  out += R"(","session":")" + session.token.reveal();
  out += R"(","session_expires_at":")" + formatRfc3339(session.expiresAt) + "\"}";
  response.with("Cache-Control", "no-store");
  return response;
}

void tell(const logins::Answer& answer, const std::string& requestId, const http::Reply& reply) {
  using logins::Verdict;
  switch (answer.verdict) {
    case Verdict::kAdmitted:
      return reply.send(render(answer.login, *answer.session));
    case Verdict::kWrong:
      return reply.sendAt(answer.notBefore, http::problemFor(requestId, 401, "invalid_credentials",
                                                             "E-mail or password is wrong."));
    case Verdict::kNotEntitled:
      return reply.send(http::problemFor(requestId, 403, "not_entitled",
                                         "The password is right, but this member may not log in."));
    case Verdict::kThrottled:
      return reply.send(http::problemFor(requestId, 429, "throttled",
                                         "Too many failed logins: try again after Retry-After.")
                            .with("Retry-After", http::retryAfterSeconds(answer.retryAfter)));
    case Verdict::kBusy:
    case Verdict::kUnavailable:
      return reply.send(http::errorResponse(requestId, *answer.error));
  }
}

}  // namespace

void LoginRoutes::registerOn(http::Router& router) {
  router.add("POST", "/membergate/v1/login",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { login(request, reply); });
}

void LoginRoutes::login(const http::Request& request, const http::Reply& reply) {
  if (!authorise(keys_, request, access::Scope::kLogin, reply)) return;
  http::JsonBody body(request, kMaxBodyBytes);
  logins::Attempt attempt = readAttempt(body);
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  attempt.requestId = request.requestId;
  attempt.arrived = request.arrived;
  logins_.attempt(std::move(attempt),
                  [reply, requestId = request.requestId](const logins::Answer& answer) {
                    tell(answer, requestId, reply);
                  });
}

}  // namespace mbr::api
