// GET /membergate/status and what belongs to it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "access/admin_sessions.h"
#include "access/throttle.h"
#include "base/result.h"
#include "contacts/who.h"
#include "domain/ids.h"
#include "http/router.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "pages/posted_form.h"
#include "pages/status_assets.h"
#include "pages/status_board.h"
#include "pages/status_view.h"

namespace mbr::pages {

// The operator's page. It is shown to whoever holds the cookie membergate_admin, which an API key
// of scope admin opens. Handlers may run on several fast workers at once.
class StatusPage {
 public:
  // Each is called on a fast worker, must not wait, and calls `done` once, on any thread. Errors:
  // kUnavailable, kBusy.
  template <class T>
  using DoneFn = std::function<void(Result<T>)>;
  struct Sources {
    std::function<void(DoneFn<StatusBoard> done)> board;
    std::function<void(const Span& span, DoneFn<StatusHistory> done)> history;
    std::function<void(const contacts::Who& who, DoneFn<ContactFile> done)> contact;
    // Opens a dead job again; `actor` is for the audit. Errors: kNotFound and kConflict too.
    std::function<void(JobId job, const std::string& actor, std::function<void(Outcome)> done)>
        retry;
  };

  // All must outlive the page, and the page every reply that is still open. `failureTime`: a wrong
  // key is answered no sooner than this after its request.
  StatusPage(const Layout& layout, const CsrfGuard& csrf, access::AdminSessions& sessions,
             access::Throttle& throttle, Sources sources, Milliseconds failureTime);

  // Without a session every page leads to the form for the key, and the data are 401.
  //
  //   GET  /membergate/status         the page; `range` as kSpans has them
  //   GET  …/login, POST `key`        303 to the page with the cookie; 401, 403, 429 and the form
  //                                   again. Failures are counted by address.
  //   POST …/logout                   ends the session
  //   GET  …/data, `range`            what statusData() says, as JSON
  //   POST …/retry, `job`             303 to the page, which says what became of it
  //   POST …/contact, `who`           what is kept of a contact, and why its member cannot log in;
  //                                   404 if it is not known. Its e-mail stands in no URL
  //   GET  …/style-*.css, …/script-*.js
  void registerOn(http::Router& router);

 private:
  using Handle = void (StatusPage::*)(const http::Request&, const http::Reply&) const;

  void add(http::Router& router, const char* method, const std::string& path, Handle handle);
  std::optional<access::Caller> operatorOf(const http::Request& request) const;
  http::Response loginForm(const CsrfSeal& seal, int status, std::optional<Text> alert) const;
  http::Response refused(const PostedForm& posted) const;
  http::Response failed(const Error& error, const CsrfSeal& seal, const char* route,
                        const std::string& requestId) const;

  void show(const http::Request& request, const http::Reply& reply) const;
  void showLogin(const http::Request& request, const http::Reply& reply) const;
  void login(const http::Request& request, const http::Reply& reply) const;
  void logout(const http::Request& request, const http::Reply& reply) const;
  void data(const http::Request& request, const http::Reply& reply) const;
  void retry(const http::Request& request, const http::Reply& reply) const;
  void lookUp(const http::Request& request, const http::Reply& reply) const;

  const Layout& layout_;
  const CsrfGuard& csrf_;
  access::AdminSessions& sessions_;
  access::Throttle& throttle_;
  const Sources sources_;
  const Milliseconds failureTime_;
  const StatusAssets assets_;
  const StatusView view_;
};

}  // namespace mbr::pages
