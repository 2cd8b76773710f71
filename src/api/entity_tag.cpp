#include "api/entity_tag.h"

namespace mbr::api {

bool namesEntityTag(std::string_view ifNoneMatch, std::string_view etag) {
  while (true) {
    const auto start = ifNoneMatch.find_first_not_of(" \t,");
    if (start == std::string_view::npos) return false;
    ifNoneMatch.remove_prefix(start);
    if (ifNoneMatch.front() == '*') return true;
    if (ifNoneMatch.substr(0, 2) == "W/") ifNoneMatch.remove_prefix(2);
    if (ifNoneMatch.empty() || ifNoneMatch.front() != '"') return false;  // no list of tags
    const auto close = ifNoneMatch.find('"', 1);                          // a tag may hold commas
    if (close == std::string_view::npos) return false;
    if (ifNoneMatch.substr(0, close + 1) == etag) return true;
    ifNoneMatch.remove_prefix(close + 1);
  }
}

}  // namespace mbr::api
