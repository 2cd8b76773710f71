// GET and POST /membergate/link
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "domain/ids.h"
#include "http/router.h"
#include "members/password_changer.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "pages/posted_form.h"

namespace mbr::pages {

// The page that a link in an e-mail opens, where a member sets a password. Handlers may run on
// several fast workers at once.
class LinkPage {
 public:
  // members::PasswordChanger::setByLink.
  using SetPassword = std::function<void(const Secret& token, const Secret& password,
                                         const members::PasswordChanger::DoneFn& done)>;

  // Both must outlive the page, and the page every reply that is still open.
  LinkPage(const Layout& layout, const CsrfGuard& csrf, SetPassword setPassword)
      : layout_(layout), csrf_(csrf), setPassword_(std::move(setPassword)) {}

  // GET, `t`: the form. It looks nothing up, so it is the same for any token and burns none: mail
  // scanners open every link.
  //
  // POST, `t`, `password`, `repeat`: 200 once the password is in force and the link is burnt. The
  // form again, with the link as good as before: 422 and a sentence (the two differ, or the text
  // may be no password), 400 and 403 as PostedForm has them, 503. A link that is unknown, used or
  // too old is a 403 that says so and leads to the reset page.
  void registerOn(http::Router& router);

 private:
  struct Shown;

  void show(const http::Request& request, const http::Reply& reply) const;
  void set(const http::Request& request, const http::Reply& reply) const;
  http::Response answer(const Result<JobId>& job, const Shown& shown) const;
  http::Response form(const Shown& shown, int status, std::optional<Text> alert) const;

  const Layout& layout_;
  const CsrfGuard& csrf_;
  const SetPassword setPassword_;
};

}  // namespace mbr::pages
