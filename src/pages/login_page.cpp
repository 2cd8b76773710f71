#include "pages/login_page.h"

#include <optional>
#include <utility>

#include "access/address.h"
#include "http/cookies.h"
#include "http/problem.h"
#include "http/site_target.h"
#include "pages/login_target.h"
#include "pages/paths.h"

namespace mbr::pages {

// What the form holds when it is shown again, and where it leads.
struct LoginPage::Typed {
  CsrfSeal seal;
  std::string email;
  std::string target;  // inside the site
  bool https = false;
};

void LoginPage::registerOn(http::Router& router) {
  router.add("GET", kLoginPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { show(request, reply); });
  router.add("POST", kLoginPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { login(request, reply); });
}

void LoginPage::show(const http::Request& request, const http::Reply& reply) const {
  const Typed typed{csrf_.seal(request), "", loginTarget(request.query), request.https};
  if (isLoggedIn(request)) return reply.send(Layout::redirect(typed.target));
  reply.send(form(typed, 200, std::nullopt));
}

// If it cannot be told he is not: he may log in.
bool LoginPage::isLoggedIn(const http::Request& request) const {
  const auto session = sessions_.find(http::cookie(request, access::kSessionCookie));
  if (!session || !*session || (*session)->via != "password") return false;
  const auto cached = cache_.findById((*session)->contactId);
  return cached && *cached && !(*cached)->contact.deletedAt && mayEnter_((*cached)->contact);
}

void LoginPage::login(const http::Request& request, const http::Reply& reply) const {
  const PostedForm posted(request, csrf_);
  const Typed typed{posted.seal(), std::string(posted.text("email")),
                    http::siteTarget(posted.text("redir")), request.https};
  if (posted.refusal() != 0) return reply.send(form(typed, posted.refusal(), Text::kFormRefused));
  logins::Attempt attempt;
  attempt.route = "login";
  attempt.requestId = request.requestId;
  attempt.arrived = request.arrived;
  attempt.user = typed.email;
  attempt.password = Secret(posted.text("password"));
  attempt.address = access::Address::parse(request.remoteAddress);
  attempt.wantsSession = true;
  logins_.attempt(std::move(attempt), [this, reply, typed](const logins::Answer& decided) {
    auto response = answer(decided, typed);
    if (decided.verdict != logins::Verdict::kWrong) return reply.send(std::move(response));
    reply.sendAt(decided.notBefore, std::move(response));
  });
}

http::Response LoginPage::answer(const logins::Answer& answer, const Typed& typed) const {
  using logins::Verdict;
  switch (answer.verdict) {
    case Verdict::kAdmitted:
      return Layout::redirect(typed.target)
          .with("Set-Cookie", http::setCookie(access::kSessionCookie,
                                              answer.session->token.reveal(), "/", typed.https));
    case Verdict::kWrong:
      return form(typed, 401, Text::kLoginWrong);
    case Verdict::kNotEntitled:
      return form(typed, 403, Text::kLoginNotEntitled);
    case Verdict::kThrottled:
      return form(typed, 429, Text::kLoginThrottled)
          .with("Retry-After", http::retryAfterSeconds(answer.retryAfter));
    case Verdict::kBusy:
    case Verdict::kUnavailable:
      break;
  }
  const auto wait = answer.error->retryAfter.value_or(Milliseconds{0});
  return form(typed, 503, Text::kUnavailable).with("Retry-After", http::retryAfterSeconds(wait));
}

http::Response LoginPage::form(const Typed& typed, int status, std::optional<Text> alert) const {
  Form form{kLoginPath,
            Text::kLoginButton,
            {{Input::Kind::kEmail, "email", Text::kEmail, "username", typed.email},
             {Input::Kind::kPassword, "password", Text::kPassword, "current-password", ""}},
            {{"redir", typed.target}, {kCsrfField, typed.seal.token}}};
  const View view{status,       Text::kLoginTitle, alert,
                  std::nullopt, std::move(form),   Link{kResetPath, Text::kLoginForgotten}};
  return layout_.page(view, typed.seal);
}

}  // namespace mbr::pages
