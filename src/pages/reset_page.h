// GET and POST /membergate/reset
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/email.h"
#include "http/router.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"

namespace mbr::pages {

// Handlers may run on several fast workers at once.
class ResetPage {
 public:
  // members::ResetRequests::ask.
  using Ask = std::function<void(const Email& email, std::string_view address,
                                 std::function<void(Outcome)> done)>;

  // Both must outlive the page, and the page every reply that is still open. `failureTime`: an
  // answer goes out no sooner than this after its request.
  ResetPage(const Layout& layout, const CsrfGuard& csrf, Ask ask, Milliseconds failureTime)
      : layout_(layout), csrf_(csrf), ask_(std::move(ask)), failureTime_(failureTime) {}

  // GET shows the form. POST, `email`: always the same page, byte for byte and no sooner than
  // failureTime, whether the e-mail is known, is one at all, or was asked for too often; 503, as
  // late, if the store does not answer. 400 and 403 as PostedForm has them.
  void registerOn(http::Router& router);

 private:
  void show(const http::Request& request, const http::Reply& reply) const;
  void ask(const http::Request& request, const http::Reply& reply) const;
  http::Response form(const CsrfSeal& seal, int status, std::optional<Text> alert) const;
  http::Response sent() const;

  const Layout& layout_;
  const CsrfGuard& csrf_;
  const Ask ask_;
  const Milliseconds failureTime_;
};

}  // namespace mbr::pages
