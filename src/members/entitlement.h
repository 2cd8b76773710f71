// Whether a contact's tags make it a member.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contacts/directories.h"
#include "domain/contact.h"

namespace mbr::members {

enum class Entitlement { kEntitled, kBanned, kTagMissing };

// `tag`: an id or a name.
bool carriesTag(const Contact& contact, const contacts::Names& names, std::string_view tag);

// Any of `required` suffices, none needed if it is empty; `ban` keeps out whatever else is there.
Entitlement entitlementOf(const Contact& contact, const contacts::Names& names,
                          const std::vector<std::string>& required,
                          const std::optional<std::string>& ban);

}  // namespace mbr::members
