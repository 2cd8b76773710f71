#include "pages/logout_page.h"

#include <optional>
#include <string>
#include <utility>

#include "http/cookies.h"
#include "http/problem.h"
#include "pages/failure.h"
#include "pages/paths.h"

namespace mbr::pages {

void LogoutPage::registerOn(http::Router& router) {
  router.add("POST", kLogoutPath,
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { logout(request, reply); });
}

void LogoutPage::logout(const http::Request& request, const http::Reply& reply) const {
  const auto token = http::cookie(request, access::kSessionCookie);
  if (token.empty()) return reply.send(Layout::redirect("/"));
  sessions_.end(token, [this, reply, https = request.https,
                        requestId = request.requestId](const Outcome& ended) {
    if (!ended) return reply.send(failed(ended.error(), requestId));
    reply.send(Layout::redirect("/").with("Set-Cookie",
                                          http::forgetCookie(access::kSessionCookie, "/", https)));
  });
}

// The cookie stays, so that the button can try again.
http::Response LogoutPage::failed(const Error& error, const std::string& requestId) const {
  const View view{503, Text::kLogoutTitle, Text::kUnavailable, std::nullopt,
                  Form{kLogoutPath, Text::kLogoutButton}};
  return afterFailure(layout_.page(view), error, "logout", requestId);
}

}  // namespace mbr::pages
