#include "pages/reset_page.h"

#include <string>
#include <utility>

#include "pages/failure.h"
#include "pages/paths.h"
#include "pages/posted_form.h"

namespace mbr::pages {

void ResetPage::registerOn(http::Router& router) {
  router.add("GET", kResetPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { show(request, reply); });
  router.add("POST", kResetPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { ask(request, reply); });
}

void ResetPage::show(const http::Request& request, const http::Reply& reply) const {
  reply.send(form(csrf_.seal(request), 200, std::nullopt));
}

void ResetPage::ask(const http::Request& request, const http::Reply& reply) const {
  const PostedForm posted(request, csrf_);
  if (posted.refusal() != 0) {
    return reply.send(form(posted.seal(), posted.refusal(), Text::kFormRefused));
  }
  const SteadyInstant notBefore = request.arrived + failureTime_;
  const auto email = Email::parse(posted.text("email"));
  if (!email) return reply.sendAt(notBefore, sent());
  ask_(*email, request.remoteAddress,
       [this, reply, notBefore, seal = posted.seal(),
        requestId = request.requestId](const Outcome& asked) {
         if (asked) return reply.sendAt(notBefore, sent());
         reply.sendAt(notBefore, afterFailure(form(seal, 503, Text::kUnavailable), asked.error(),
                                              "reset", requestId));
       });
}

http::Response ResetPage::form(const CsrfSeal& seal, int status, std::optional<Text> alert) const {
  Form form{kResetPath,
            Text::kResetButton,
            {{Input::Kind::kEmail, "email", Text::kEmail, "email", ""}},
            {{kCsrfField, seal.token}}};
  const View view{status,          Text::kResetTitle,
                  alert,           Text::kResetIntro,
                  std::move(form), Link{kLoginPath, Text::kResetLogin}};
  return layout_.page(view, seal);
}

http::Response ResetPage::sent() const {
  return layout_.page({200, Text::kResetTitle, std::nullopt, Text::kResetSent, std::nullopt,
                       Link{kLoginPath, Text::kResetLogin}});
}

}  // namespace mbr::pages
