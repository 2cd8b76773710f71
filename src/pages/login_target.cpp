#include "pages/login_target.h"

#include "base/encoding.h"
#include "http/site_target.h"

namespace mbr::pages {
namespace {

constexpr std::string_view kName = "redir=";

// What stands behind the first `redir=` that begins a parameter.
std::string_view behindName(std::string_view query) {
  while (!query.empty()) {
    if (query.substr(0, kName.size()) == kName) return query.substr(kName.size());
    const auto next = query.find('&');
    if (next == std::string_view::npos) break;
    query.remove_prefix(next + 1);
  }
  return {};
}

}  // namespace

std::string loginTarget(std::string_view query) {
  const std::string_view sent = behindName(query);
  if (sent.substr(0, 1) == "/") return http::siteTarget(sent);
  const auto decoded = percentDecode(sent.substr(0, sent.find('&')), true);
  return http::siteTarget(decoded.value_or(""));
}

}  // namespace mbr::pages
