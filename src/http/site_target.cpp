#include "http/site_target.h"

#include "base/encoding.h"
#include "base/utf8.h"

namespace mbr::http {
namespace {

constexpr std::size_t kMaxBytes = 2048;

bool isInside(std::string_view redir) {
  if (redir.empty() || redir.size() > kMaxBytes || redir.front() != '/') return false;
  if (redir.size() > 1 && (redir[1] == '/' || redir[1] == '\\')) return false;
  return !hasControlCharacter(redir);
}

}  // namespace

std::string siteTarget(std::string_view redir) {
  if (!isInside(redir)) return "/";
  constexpr std::string_view kEscaped = " \"<>\\^`{|}";
  std::string target;
  for (const char c : redir) {
    if (c > ' ' && c <= '~' && kEscaped.find(c) == std::string_view::npos) {
      target.push_back(c);
    } else {
      target += percentEncode({&c, 1});
    }
  }
  return target;
}

}  // namespace mbr::http
