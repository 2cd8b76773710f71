// Where a page may send the browser on to.
#pragma once

#include <string>
#include <string_view>

namespace mbr::http {

// `redir` as the value of a Location header if it stays inside the site, else "/". It must start
// with one slash that no slash or backslash follows, and hold at most 2,048 bytes and no control
// character. It is taken as it is after one decoding; what may not stand in a header is escaped.
std::string siteTarget(std::string_view redir);

}  // namespace mbr::http
