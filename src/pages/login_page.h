// GET and POST /membergate/login
#pragma once

#include <functional>
#include <string>

#include "access/sessions.h"
#include "contacts/contact_cache.h"
#include "domain/contact.h"
#include "http/router.h"
#include "logins/logins.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "pages/posted_form.h"

namespace mbr::pages {

// Handlers may run on several fast workers at once.
class LoginPage {
 public:
  // Whether the contact may be logged in at all.
  using MayEnter = std::function<bool(const Contact&)>;

  // All of them must outlive the page, and the page every reply that is still open.
  LoginPage(const Layout& layout, const CsrfGuard& csrf, logins::Logins& logins,
            access::Sessions& sessions, contacts::ContactCache& cache, MayEnter mayEnter)
      : layout_(layout),
        csrf_(csrf),
        logins_(logins),
        sessions_(sessions),
        cache_(cache),
        mayEnter_(std::move(mayEnter)) {}

  // GET shows the form; who is logged in by password already is sent on to the target of the query
  // (loginTarget). A gated page that he may not see answers him 403, never 401, so he does not come
  // back in a circle. Who came by a link gets the form: his page may want a password.
  //
  // POST: `email`, `password`, `redir`. Right: 303 to `redir` inside the site, with the cookie
  // membergate_session of a session that is on disk. Otherwise the form again, with the e-mail as
  // it was typed and one sentence: 400 and 403 (PostedForm), 401 (the same bytes and time for
  // unknown e-mail, wrong password and none yet), 403 (not entitled), 429, 503. Failures are
  // counted by e-mail and the browser's address.
  void registerOn(http::Router& router);

 private:
  struct Typed;

  void show(const http::Request& request, const http::Reply& reply) const;
  void login(const http::Request& request, const http::Reply& reply) const;
  bool isLoggedIn(const http::Request& request) const;
  http::Response answer(const logins::Answer& answer, const Typed& typed) const;
  http::Response form(const Typed& typed, int status, std::optional<Text> alert) const;

  const Layout& layout_;
  const CsrfGuard& csrf_;
  logins::Logins& logins_;
  access::Sessions& sessions_;
  contacts::ContactCache& cache_;
  const MayEnter mayEnter_;
};

}  // namespace mbr::pages
