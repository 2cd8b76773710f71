// POST /membergate/logout
#pragma once

#include "access/sessions.h"
#include "http/router.h"
#include "pages/layout.h"

namespace mbr::pages {

// Handlers may run on several fast workers at once.
class LogoutPage {
 public:
  // Both must outlive the page, and the page every reply that is still open.
  LogoutPage(const Layout& layout, access::Sessions& sessions)
      : layout_(layout), sessions_(sessions) {}

  // Ends the session of the cookie and clears the cookie: 303 to "/" once that is on disk, 503 with
  // a page to try again if it cannot be written. Without the cookie just the 303. GET is 405: what
  // only loads an address must log nobody out.
  //
  // No csrf token is asked for, so that any page of the site can hold the button as plain HTML. The
  // cookie is SameSite=Lax: a form of another site comes without it, ends nothing and, since
  // nothing is cleared that did not come, changes nothing in the browser.
  void registerOn(http::Router& router);

 private:
  void logout(const http::Request& request, const http::Reply& reply) const;
  http::Response failed(const Error& error, const std::string& requestId) const;

  const Layout& layout_;
  access::Sessions& sessions_;
};

}  // namespace mbr::pages
