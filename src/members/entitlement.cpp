#include "members/entitlement.h"

#include <algorithm>

namespace mbr::members {

bool carriesTag(const Contact& contact, const contacts::Names& names, std::string_view tag) {
  const auto number = parseId(tag);
  const auto id = number ? number : names.tagId(tag);
  return id && contact.hasTag(*id);
}

Entitlement entitlementOf(const Contact& contact, const contacts::Names& names,
                          const std::vector<std::string>& required,
                          const std::optional<std::string>& ban) {
  if (ban && carriesTag(contact, names, *ban)) return Entitlement::kBanned;
  const bool any = std::any_of(required.begin(), required.end(), [&](const std::string& tag) {
    return carriesTag(contact, names, tag);
  });
  return required.empty() || any ? Entitlement::kEntitled : Entitlement::kTagMissing;
}

}  // namespace mbr::members
