// Forms that only our own pages can send.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "http/form.h"
#include "http/request.h"
#include "passwords/key_ring.h"

namespace mbr::pages {

// The name of the form's field.
inline constexpr std::string_view kCsrfField = "csrf";

// What a form needs to be taken when it comes back.
struct CsrfSeal {
  std::string token;      // the value of the field kCsrfField
  std::string setCookie;  // to be sent with the form as Set-Cookie; empty if the browser has it
};

// Against forms on other sites that a visitor is made to send (cross-site request forgery). A
// browser gets a random cookie, membergate_csrf, and each form the HMAC of it; another site can
// neither read the one nor compute the other. Nothing is stored. Thread-safe.
class CsrfGuard {
 public:
  // Both must outlive the guard.
  CsrfGuard(const passwords::KeyRing& keys, Random& random) : keys_(keys), random_(random) {}

  // For a form that answers `request`.
  CsrfSeal seal(const http::Request& request) const;

  // Whether the form that `request` brings is one of ours in this browser. In constant time. One
  // from before a rotation of the master key is not.
  bool accepts(const http::Request& request, const http::Form& form) const;

 private:
  std::string tokenOf(std::string_view cookie) const;

  const passwords::KeyRing& keys_;
  Random& random_;
};

}  // namespace mbr::pages
