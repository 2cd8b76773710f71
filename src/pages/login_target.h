// Where a visitor of the login page wants to go.
#pragma once

#include <string>
#include <string_view>

namespace mbr::pages {

// The target that the query of a login page names, as http::siteTarget() lets it pass: "/" if there
// is none that stays inside the site.
//
// It is what stands behind the first `redir=`. nginx's gate cannot encode it: it sends
// `redir=$request_uri`, whose own `&` are no separators. So what begins with a slash is taken to
// its end as it is, escapes and all; only what begins with %2F was encoded by somebody, who encoded
// his `&` too: that is decoded once, up to the next `&`.
std::string loginTarget(std::string_view query);

}  // namespace mbr::pages
