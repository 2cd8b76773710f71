#include "pages/csrf_guard.h"

#include "base/encoding.h"
#include "base/secret.h"
#include "http/cookies.h"

namespace mbr::pages {
namespace {

constexpr std::string_view kCookie = "membergate_csrf";
constexpr std::string_view kPath = "/membergate/";
constexpr std::size_t kCookieBytes = 16;
constexpr std::size_t kCookieLength = 22;

// The cookie, or "" if there is none of ours.
std::string_view cookieOf(const http::Request& request) {
  const std::string_view value = http::cookie(request, kCookie);
  return value.size() == kCookieLength ? value : std::string_view();
}

}  // namespace

CsrfSeal CsrfGuard::seal(const http::Request& request) const {
  if (const auto known = cookieOf(request); !known.empty()) return {tokenOf(known), ""};
  const std::string made = toBase64Url(random_.bytes(kCookieBytes));
  return {tokenOf(made), http::setCookie(kCookie, made, kPath, request.https)};
}

bool CsrfGuard::accepts(const http::Request& request, const http::Form& form) const {
  const auto* token = form.find(kCsrfField);
  const auto known = cookieOf(request);
  return token != nullptr && !known.empty() && equalInConstantTime(*token, tokenOf(known));
}

std::string CsrfGuard::tokenOf(std::string_view cookie) const {
  return toBase64Url(keys_.mac("csrf", cookie));
}

}  // namespace mbr::pages
