#include "http/cookies.h"

#include <algorithm>

namespace mbr::http {

std::string_view cookie(const Request& request, std::string_view name) {
  for (std::string_view rest = request.header("cookie"); !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(" \t"), pair.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    const auto value = pair.substr(equals + 1);
    return value.substr(0, value.find_last_not_of(" \t") + 1);
  }
  return {};
}

std::string setCookie(std::string_view name, std::string_view value, std::string_view path,
                      bool https) {
  std::string text(name);
  text.append("=").append(value).append("; HttpOnly; SameSite=Lax; Path=").append(path);
  if (https) text += "; Secure";
  return text;
}

std::string forgetCookie(std::string_view name, std::string_view path, bool https) {
  return setCookie(name, "", path, https) + "; Max-Age=0";
}

}  // namespace mbr::http
