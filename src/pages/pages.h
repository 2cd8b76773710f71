// The pages that a visitor's browser shows: login, logout, a new password. The door of the room.
//
// Plain HTML that works without JavaScript. Whatever a visitor reads is in Texts.
#pragma once

#include "access/sessions.h"
#include "base/clock.h"
#include "base/random.h"
#include "contacts/contact_cache.h"
#include "http/router.h"
#include "logins/logins.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "pages/link_page.h"
#include "pages/login_page.h"
#include "pages/logout_page.h"
#include "pages/reset_page.h"
#include "pages/texts.h"
#include "passwords/key_ring.h"

namespace mbr::pages {

// Handlers may run on several fast workers at once.
class Pages {
 public:
  struct Options {
    Texts texts;
    Milliseconds failureTime{500};  // as logins have it; also of an answer to a reset request
  };

  // All of them must outlive the pages, and the pages every reply that is still open.
  Pages(Options options, const passwords::KeyRing& keys, Random& random, logins::Logins& logins,
        access::Sessions& sessions, contacts::ContactCache& cache, LoginPage::MayEnter mayEnter,
        ResetPage::Ask askForReset, LinkPage::SetPassword setPassword)
      : layout_(std::move(options.texts)),
        csrf_(keys, random),
        login_(layout_, csrf_, logins, sessions, cache, std::move(mayEnter)),
        logout_(layout_, sessions),
        reset_(layout_, csrf_, std::move(askForReset), options.failureTime),
        link_(layout_, csrf_, std::move(setPassword)) {}

  void registerOn(http::Router& router) {
    login_.registerOn(router);
    logout_.registerOn(router);
    reset_.registerOn(router);
    link_.registerOn(router);
  }

 private:
  const Layout layout_;
  const CsrfGuard csrf_;
  LoginPage login_;
  LogoutPage logout_;
  ResetPage reset_;
  LinkPage link_;
};

}  // namespace mbr::pages
