#include "access/scopes.h"

#include <algorithm>
#include <array>

namespace mbr::access {
namespace {

constexpr std::array<std::string_view, kScopeCount> kNames{"login", "contacts:read",
                                                           "contacts:write", "admin"};

}  // namespace

std::string_view toString(Scope scope) { return kNames[static_cast<std::size_t>(scope)]; }

Result<Scopes> Scopes::parse(std::string_view text) {
  Scopes out;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    const auto found = std::find(kNames.begin(), kNames.end(), text.substr(0, comma));
    if (found == kNames.end()) {
      return Error{Code::kInvalid,
                   "Scopes are login, contacts:read, contacts:write and admin, by comma."};
    }
    out.bits_ |= bit(static_cast<Scope>(found - kNames.begin()));
    if (comma == text.size()) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string Scopes::text() const {
  std::string out;
  for (int i = 0; i < kScopeCount; ++i) {
    if (!has(static_cast<Scope>(i))) continue;
    if (!out.empty()) out.push_back(',');
    out.append(kNames[static_cast<std::size_t>(i)]);
  }
  return out;
}

}  // namespace mbr::access
