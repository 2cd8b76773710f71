#include "access/purposes.h"

#include <algorithm>
#include <array>

namespace mbr::access {
namespace {

constexpr std::array<std::string_view, kPurposeCount> kNames{"genpass", "events", "clearuser",
                                                             "auth", "autologin"};

}  // namespace

Result<Purposes> Purposes::parse(std::string_view text) {
  Purposes out;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    const auto found = std::find(kNames.begin(), kNames.end(), text.substr(0, comma));
    if (found == kNames.end()) {
      return Error{Code::kInvalid,
                   "Purposes are genpass, events, clearuser, auth and autologin, by comma."};
    }
    out.bits_ |= bit(static_cast<Purpose>(found - kNames.begin()));
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  if (auto valid = out.validate(); !valid) return valid.error();
  return out;
}

std::string Purposes::text() const {
  std::string out;
  for (int i = 0; i < kPurposeCount; ++i) {
    if (!has(static_cast<Purpose>(i))) continue;
    if (!out.empty()) out.push_back(',');
    out.append(kNames[static_cast<std::size_t>(i)]);
  }
  return out;
}

Outcome Purposes::validate() const {
  if (empty()) return Error{Code::kInvalid, "A code needs at least one purpose."};
  if (has(Purpose::kAutologin) && bits_ != bit(Purpose::kAutologin)) {
    return Error{Code::kInvalid, "The purpose autologin cannot be combined with another."};
  }
  return Done{};
}

}  // namespace mbr::access
