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

}  // namespace mbr::http
