// `mbr_autologin`: the link in an e-mail that lets its reader in.
#pragma once

#include <functional>
#include <string_view>

#include "access/codes.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "base/clock.h"
#include "http/router.h"
#include "members/link_verifier.h"

namespace mbr::webhook {

// Handlers may run on several fast workers at once.
class AutologinRoute {
 public:
  // Commits a prepared session and calls `done` once it is on disk, or is not. Must not wait.
  // Errors: kConflict if the contact is gone by now.
  using SaveSession =
      std::function<void(const store::SessionRecord& session, std::function<void(Outcome)> done)>;

  struct Options {
    bool enabled = false;
    Milliseconds failureTime{500};  // a link that is not valid is answered no sooner than this
  };

  // All of them must outlive the route, and the route every reply that is still open.
  AutologinRoute(Options options, access::Codes& codes, access::Throttle& throttle,
                 access::Sessions& sessions, members::LinkVerifier& verifier, const Clock& clock,
                 SaveSession saveSession);

  // The action `mbr_autologin`: GET with `id`, `email` and, where links carry tokens, `t`; all of
  // one contact (LinkVerifier). Other parameters but `redir` change nothing.
  //
  // 303 to `redir` if that stays inside the site (http::siteTarget), else to "/", with the cookie
  // membergate_session of a session via "link" that is on disk. Otherwise a short page without
  // detail: 403 (switched off, wrong code, no such member, not entitled), 405, 429 (throttled as
  // logins are, by e-mail and the browser's address), 503. A member needs no password for it.
  void registerOn(http::Router& router);

 private:
  struct Attempt;

  void serve(const http::Request& request, const http::Reply& reply);
  void conclude(const Attempt& attempt, const Result<members::LoginResult>& verified);
  void admit(const Attempt& attempt, ContactId contact);
  void refuse(const Attempt& attempt);

  const Options options_;
  access::Codes& codes_;
  access::Throttle& throttle_;
  access::Sessions& sessions_;
  members::LinkVerifier& verifier_;
  const Clock& clock_;
  const SaveSession saveSession_;
};

}  // namespace mbr::webhook
