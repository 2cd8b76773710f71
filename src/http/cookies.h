// Cookies that a browser sent, and those it is given.
#pragma once

#include <string>
#include <string_view>

#include "http/request.h"

namespace mbr::http {

// The value of the first cookie of that name, as sent; "" if there is none. Points into `request`.
std::string_view cookie(const Request& request, std::string_view name);

// The value of a Set-Cookie header: a cookie until the browser is closed, that no script reads and
// that no other site's form or image brings along (HttpOnly, SameSite=Lax); Secure if the request
// came by `https`. `value` must be letters, digits, `-` and `_`.
std::string setCookie(std::string_view name, std::string_view value, std::string_view path,
                      bool https);
// The same, to make the browser forget it.
std::string forgetCookie(std::string_view name, std::string_view path, bool https);

}  // namespace mbr::http
