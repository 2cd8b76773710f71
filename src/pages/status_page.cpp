#include "pages/status_page.h"

#include <memory>
#include <utility>

#include "access/address.h"
#include "http/cookies.h"
#include "http/form.h"
#include "http/problem.h"
#include "ops/log.h"
#include "pages/failure.h"
#include "pages/paths.h"

namespace mbr::pages {
namespace {

// What the throttle counts the tries of; no e-mail, so it meets no member's.
constexpr std::string_view kThrottleName = "\x1fstatus";

constexpr const char* kRetried = "retried";
constexpr const char* kNotRetried = "not_retried";

std::string parameter(const http::Request& request, std::string_view name) {
  const auto query = http::parseForm(request.query);
  const auto* found = query ? query->find(name) : nullptr;
  return found == nullptr ? std::string() : std::string(*found);
}

// Null for a name that is none of ours.
const Span* spanOf(const std::string& name) {
  if (name.empty()) return &kUsualSpan;
  for (const Span& span : kSpans) {
    if (name == span.name) return &span;
  }
  return nullptr;
}

std::optional<Text> noticeOf(const std::string& word) {
  if (word == kRetried) return Text::kStatusRetried;
  if (word == kNotRetried) return Text::kStatusNotRetried;
  return std::nullopt;
}

http::Response clearingCookie(const http::Request& request) {
  return Layout::redirect(kStatusLoginPath)
      .with("Set-Cookie",
            http::forgetStrictCookie(access::kAdminCookie, kStatusPath, request.https));
}

}  // namespace

StatusPage::StatusPage(const Layout& layout, const CsrfGuard& csrf, access::AdminSessions& sessions,
                       access::Throttle& throttle, Sources sources, Milliseconds failureTime)
    : layout_(layout),
      csrf_(csrf),
      sessions_(sessions),
      throttle_(throttle),
      sources_(std::move(sources)),
      failureTime_(failureTime),
      view_(layout, assets_) {}

void StatusPage::registerOn(http::Router& router) {
  add(router, "GET", "", &StatusPage::show);
  add(router, "GET", "/login", &StatusPage::showLogin);
  add(router, "POST", "/login", &StatusPage::login);
  add(router, "POST", "/logout", &StatusPage::logout);
  add(router, "GET", "/data", &StatusPage::data);
  add(router, "POST", "/retry", &StatusPage::retry);
  add(router, "POST", "/contact", &StatusPage::lookUp);
  assets_.registerOn(router);
}

void StatusPage::add(http::Router& router, const char* method, const std::string& path,
                     Handle handle) {
  router.add(method, kStatusPath + path,
             [this, handle](const http::Request& request, const http::PathParams&,
                            const http::Reply& reply) { (this->*handle)(request, reply); });
}

// If it cannot be told nobody is.
std::optional<access::Caller> StatusPage::operatorOf(const http::Request& request) const {
  auto caller = sessions_.find(http::cookie(request, access::kAdminCookie));
  if (!caller) return std::nullopt;
  return *std::move(caller);
}

void StatusPage::show(const http::Request& request, const http::Reply& reply) const {
  if (!operatorOf(request)) return reply.send(Layout::redirect(kStatusLoginPath));
  const Span* span = spanOf(parameter(request, "range"));
  const auto notice = noticeOf(parameter(request, "job"));
  sources_.board([this, reply, span = span != nullptr ? span : &kUsualSpan, notice,
                  seal = csrf_.seal(request),
                  requestId = request.requestId](const Result<StatusBoard>& board) {
    if (!board) return reply.send(failed(board.error(), seal, "status", requestId));
    reply.send(view_.board(*board, *span, notice, seal));
  });
}

void StatusPage::showLogin(const http::Request& request, const http::Reply& reply) const {
  if (operatorOf(request)) return reply.send(Layout::redirect(kStatusPath));
  reply.send(loginForm(csrf_.seal(request), 200, std::nullopt));
}

void StatusPage::login(const http::Request& request, const http::Reply& reply) const {
  const PostedForm posted(request, csrf_);
  if (posted.refusal() != 0) {
    return reply.send(loginForm(posted.seal(), posted.refusal(), Text::kFormRefused));
  }
  const auto admission =
      throttle_.admit(kThrottleName, access::Address::parse(request.remoteAddress));
  if (!admission.allowed) {
    return reply.send(loginForm(posted.seal(), 429, Text::kLoginThrottled)
                          .with("Retry-After", http::retryAfterSeconds(admission.retryAfter)));
  }
  const auto token = sessions_.open(posted.text("key"));
  const char* result = token ? "admitted" : "wrong";
  ops::logInfo("status_login", {{"result", result}, {"request_id", request.requestId}});
  if (token) {
    throttle_.succeeded(admission.ticket);
    return reply.send(
        Layout::redirect(kStatusPath)
            .with("Set-Cookie", http::setStrictCookie(access::kAdminCookie, token->reveal(),
                                                      kStatusPath, request.https)));
  }
  if (token.error().code != Code::kDenied) {
    throttle_.released(admission.ticket);
    return reply.send(failed(token.error(), posted.seal(), "status_login", request.requestId));
  }
  throttle_.failed(admission.ticket);
  reply.sendAt(request.arrived + failureTime_,
               loginForm(posted.seal(), 401, Text::kStatusWrongKey));
}

void StatusPage::logout(const http::Request& request, const http::Reply& reply) const {
  const PostedForm posted(request, csrf_);
  if (posted.refusal() != 0) return reply.send(refused(posted));
  sessions_.end(http::cookie(request, access::kAdminCookie));
  reply.send(clearingCookie(request));
}

void StatusPage::data(const http::Request& request, const http::Reply& reply) const {
  if (!operatorOf(request)) {
    return reply.send(
        http::problem(request, 401, "key", "Log in at " + std::string(kStatusLoginPath) + "."));
  }
  const Span* span = spanOf(parameter(request, "range"));
  if (span == nullptr) {
    return reply.send(
        http::problem(request, 400, "invalid_request", "range: expected 3h, 24h, 7d or 90d."));
  }
  sources_.board([this, reply, span,
                  requestId = request.requestId](const Result<StatusBoard>& board) {
    if (!board) return reply.send(http::errorResponse(requestId, board.error()));
    const auto read = std::make_shared<const StatusBoard>(*board);
    sources_.history(*span, [this, reply, read, requestId](const Result<StatusHistory>& history) {
      if (!history) return reply.send(http::errorResponse(requestId, history.error()));
      reply.send(http::jsonResponse(200, statusData(*read, *history, layout_))
                     .with("Cache-Control", "no-store"));
    });
  });
}

void StatusPage::retry(const http::Request& request, const http::Reply& reply) const {
  const auto caller = operatorOf(request);
  if (!caller) return reply.send(Layout::redirect(kStatusLoginPath));
  const PostedForm posted(request, csrf_);
  if (posted.refusal() != 0) return reply.send(refused(posted));
  const JobId job = parseId(posted.text("job")).value_or(0);  // there is no job 0
  sources_.retry(
      job, "key:" + std::to_string(caller->id),
      [this, reply, seal = posted.seal(), requestId = request.requestId](const Outcome& retried) {
        const bool isDone = retried.ok();
        if (!isDone && retried.error().code != Code::kConflict &&
            retried.error().code != Code::kNotFound) {
          return reply.send(failed(retried.error(), seal, "status_retry", requestId));
        }
        reply.send(Layout::redirect(std::string(kStatusPath) +
                                    "?job=" + (isDone ? kRetried : kNotRetried)));
      });
}

void StatusPage::lookUp(const http::Request& request, const http::Reply& reply) const {
  if (!operatorOf(request)) return reply.send(Layout::redirect(kStatusLoginPath));
  const PostedForm posted(request, csrf_);
  if (posted.refusal() != 0) return reply.send(refused(posted));
  const std::string asked(posted.text("who"));
  const contacts::Who who{parseId(asked), Email::parse(asked)};
  if (!who.email && !who.id) {
    return reply.send(view_.contact(std::nullopt, asked, posted.seal()));
  }
  sources_.contact(who, [this, reply, asked, seal = posted.seal(),
                         requestId = request.requestId](const Result<ContactFile>& file) {
    if (!file) return reply.send(failed(file.error(), seal, "status_contact", requestId));
    reply.send(view_.contact(*file, asked, seal));
  });
}

http::Response StatusPage::loginForm(const CsrfSeal& seal, int status,
                                     std::optional<Text> alert) const {
  Form form{kStatusLoginPath,
            Text::kStatusOpen,
            {{Input::Kind::kPassword, "key", Text::kStatusKey, "current-password", ""}},
            {{kCsrfField, seal.token}}};
  return layout_.page({status, Text::kStatusTitle, alert, Text::kStatusIntro, std::move(form), {}},
                      seal);
}

http::Response StatusPage::refused(const PostedForm& posted) const {
  const View view{posted.refusal(), Text::kStatusTitle, Text::kFormRefused,
                  std::nullopt,     std::nullopt,       Link{kStatusPath, Text::kStatusBack}};
  return layout_.page(view, posted.seal());
}

http::Response StatusPage::failed(const Error& error, const CsrfSeal& seal, const char* route,
                                  const std::string& requestId) const {
  const View view{503,          Text::kStatusTitle, Text::kUnavailable,
                  std::nullopt, std::nullopt,       Link{kStatusPath, Text::kStatusBack}};
  return afterFailure(layout_.page(view, seal), error, route, requestId);
}

}  // namespace mbr::pages
