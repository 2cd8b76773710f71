#include "pages/link_page.h"

#include <utility>

#include "http/form.h"
#include "ops/log.h"
#include "pages/failure.h"
#include "pages/paths.h"
#include "passwords/password_text.h"

namespace mbr::pages {
namespace {

Text sentenceOf(const Error& error) {
  using passwords::PasswordFault;
  const auto fault = passwords::faultOf(error);
  if (fault == PasswordFault::kTooShort) return Text::kLinkTooShort;
  if (fault == PasswordFault::kIsEmail) return Text::kLinkIsEmail;
  if (fault == PasswordFault::kCommon) return Text::kLinkCommon;
  return Text::kLinkUnusable;
}

void note(std::string_view result, const std::string& requestId) {
  ops::logInfo("password_link", {{"result", result}, {"request_id", requestId}});
}

}  // namespace

// What a form that is shown again carries.
struct LinkPage::Shown {
  CsrfSeal seal;
  Secret token;
  std::string requestId;
};

void LinkPage::registerOn(http::Router& router) {
  router.add("GET", kLinkPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { show(request, reply); });
  router.add("POST", kLinkPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { set(request, reply); });
}

void LinkPage::show(const http::Request& request, const http::Reply& reply) const {
  const auto query = http::parseForm(request.query);
  const auto* token = query ? query->find("t") : nullptr;
  reply.send(form({csrf_.seal(request), Secret(token != nullptr ? *token : ""), request.requestId},
                  200, std::nullopt));
}

void LinkPage::set(const http::Request& request, const http::Reply& reply) const {
  const PostedForm posted(request, csrf_);
  const Shown shown{posted.seal(), Secret(posted.text("t")), request.requestId};
  if (posted.refusal() != 0) return reply.send(form(shown, posted.refusal(), Text::kFormRefused));
  const Secret password(posted.text("password"));
  if (!password.equals(posted.text("repeat"))) {
    return reply.send(form(shown, 422, Text::kLinkDiffer));
  }
  setPassword_(shown.token, password,
               [this, reply, shown](const Result<JobId>& job) { reply.send(answer(job, shown)); });
}

http::Response LinkPage::answer(const Result<JobId>& job, const Shown& shown) const {
  if (job) {
    note("set", shown.requestId);
    return layout_.page({200, Text::kLinkTitle, std::nullopt, Text::kLinkDone, std::nullopt,
                         Link{kLoginPath, Text::kLinkLogin}});
  }
  switch (job.error().code) {
    case Code::kInvalid:
      note("refused", shown.requestId);
      return form(shown, 422, sentenceOf(job.error()));
    case Code::kDenied:
      note("dead", shown.requestId);
      return layout_.page({403, Text::kLinkTitle, Text::kLinkDead, std::nullopt, std::nullopt,
                           Link{kResetPath, Text::kLinkAgain}});
    default:
      return afterFailure(form(shown, 503, Text::kUnavailable), job.error(), "link",
                          shown.requestId);
  }
}

http::Response LinkPage::form(const Shown& shown, int status, std::optional<Text> alert) const {
  Form form{kLinkPath,
            Text::kLinkButton,
            {{Input::Kind::kPassword, "password", Text::kLinkPassword, "new-password", ""},
             {Input::Kind::kPassword, "repeat", Text::kLinkRepeat, "new-password", ""}},
            {{"t", shown.token.reveal()}, {kCsrfField, shown.seal.token}}};
  return layout_.page({status, Text::kLinkTitle, alert, Text::kLinkIntro, std::move(form), {}},
                      shown.seal);
}

}  // namespace mbr::pages
