#include "webhook/autologin_route.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "access/address.h"
#include "http/cookies.h"
#include "http/form.h"
#include "http/problem.h"
#include "http/site_target.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "webhook/caller_query.h"

namespace mbr::webhook {
namespace {

using members::LinkClaim;
using members::LoginResult;

constexpr const char* kInvalid = "This link is not valid. Please log in with your password.";
constexpr const char* kThrottled = "Too many tries. Please try again later.";
constexpr const char* kUnavailable = "This did not work. Please try again in a moment.";

http::Response withPrivacy(http::Response response) {
  response.with("Cache-Control", "no-store").with("Referrer-Policy", "no-referrer");
  return response;
}

http::Response page(int status, const char* sentence) {
  http::Response response;
  response.status = status;
  response.contentType = "text/html; charset=utf-8";
  response.body =
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Login</title>\n<p>";
  response.body += sentence;
  response.body += "</p>\n</html>\n";
  response.with("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
      .with("X-Content-Type-Options", "nosniff");
  return withPrivacy(std::move(response));
}

std::optional<LinkClaim> claimOf(const http::Form& query) {
  const std::string_view* id = query.find("id");
  const std::string_view* email = query.find("email");
  const std::string_view* token = query.find("t");
  const auto contact = id != nullptr ? parseId(*id) : std::nullopt;
  auto address = email != nullptr ? Email::parse(*email) : std::nullopt;
  if (!contact || !address) return std::nullopt;
  return LinkClaim{*contact, *std::move(address), std::string(token != nullptr ? *token : "")};
}

void note(const std::string& requestId, const char* result) {
  ops::counter("membergate_link_logins_total", "Logins by link by what became of them",
               {{"result", result}})
      .add();
  ops::logInfo("login",
               {{"route", "mbr_autologin"}, {"result", result}, {"request_id", requestId}});
}

}  // namespace

// What is needed to answer once the claim has been checked.
struct AutologinRoute::Attempt {
  std::string requestId;
  SteadyInstant arrived;
  bool https = false;
  std::string target;
  access::ThrottleTicket ticket = 0;
  http::Reply reply;
};

AutologinRoute::AutologinRoute(Options options, access::Codes& codes, access::Throttle& throttle,
                               access::Sessions& sessions, members::LinkVerifier& verifier,
                               const Clock& clock, SaveSession saveSession)
    : options_(options),
      codes_(codes),
      throttle_(throttle),
      sessions_(sessions),
      verifier_(verifier),
      clock_(clock),
      saveSession_(std::move(saveSession)) {}

void AutologinRoute::registerOn(http::Router& router) {
  router.addAction("mbr_autologin", [this](const http::Request& request, const http::PathParams&,
                                           const http::Reply& reply) { serve(request, reply); });
}

void AutologinRoute::serve(const http::Request& request, const http::Reply& reply) {
  // Not for HEAD: a program that only looks at links must not be let in.
  if (request.method != "GET") return reply.send(page(405, kInvalid).with("Allow", "GET"));
  const auto code = securityCode(request.query, "mbr_autologin");
  const bool mayTry = options_.enabled && code &&
                      codes_.authenticate(access::Purpose::kAutologin, code->reveal()).has_value();
  if (!mayTry) return reply.send(page(403, kInvalid));

  const auto query = http::parseForm(request.query);
  const std::string_view* redir = query ? query->find("redir") : nullptr;
  Attempt attempt{request.requestId,
                  request.arrived,
                  request.https,
                  http::siteTarget(redir != nullptr ? *redir : ""),
                  0,
                  reply};
  auto claim = query ? claimOf(*query) : std::nullopt;
  if (!claim) return refuse(attempt);
  const auto admission =
      throttle_.admit(claim->email.text(), access::Address::parse(request.remoteAddress));
  if (!admission.allowed) {
    note(attempt.requestId, "throttled");
    return reply.send(
        page(429, kThrottled).with("Retry-After", http::retryAfterSeconds(admission.retryAfter)));
  }
  attempt.ticket = admission.ticket;
  verifier_.verify(*std::move(claim),
                   [this, attempt = std::move(attempt)](const Result<LoginResult>& verified) {
                     conclude(attempt, verified);
                   });
}

void AutologinRoute::conclude(const Attempt& attempt, const Result<LoginResult>& verified) {
  if (!verified) {
    throttle_.released(attempt.ticket);
    note(attempt.requestId, "unavailable");
    return attempt.reply.send(page(503, kUnavailable).with("Retry-After", "1"));
  }
  if (verified->status == LoginResult::Status::kWrong) return refuse(attempt);
  throttle_.succeeded(attempt.ticket);
  if (verified->status == LoginResult::Status::kAdmitted) {
    return admit(attempt, verified->contact->contact.id);
  }
  note(attempt.requestId, "not_entitled");
  attempt.reply.sendAt(attempt.arrived + options_.failureTime, page(403, kInvalid));
}

void AutologinRoute::admit(const Attempt& attempt, ContactId contact) {
  auto session =
      std::make_shared<const access::Sessions::Prepared>(sessions_.prepare(contact, "link"));
  saveSession_(session->record, [this, attempt, session](const Outcome& saved) {
    if (!saved && saved.error().code == Code::kConflict) return refuse(attempt);
    if (!saved) {
      note(attempt.requestId, "unavailable");
      return attempt.reply.send(page(503, kUnavailable).with("Retry-After", "1"));
    }
    note(attempt.requestId, "admitted");
    http::Response response;
    response.status = 303;
    response.contentType = "text/plain";
    response.with("Location", attempt.target)
        .with("Set-Cookie",
              http::setCookie(access::kSessionCookie, session->token.reveal(), "/", attempt.https));
    attempt.reply.send(withPrivacy(std::move(response)));
  });
}

void AutologinRoute::refuse(const Attempt& attempt) {
  throttle_.failed(attempt.ticket);
  note(attempt.requestId, "wrong");
  attempt.reply.sendAt(attempt.arrived + options_.failureTime, page(403, kInvalid));
}

}  // namespace mbr::webhook
