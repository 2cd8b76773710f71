#include "access/names.h"

#include <algorithm>
#include <cctype>

namespace mbr::access {

Outcome checkName(std::string_view name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fits)) {
    return Error{Code::kInvalid,
                 "A name has 1 to 64 letters, digits, dots, dashes or underscores."};
  }
  return Done{};
}

}  // namespace mbr::access
