#include "members/password_rule.h"

#include <algorithm>

namespace mbr::members {

bool PasswordRule::covers(const std::vector<TagId>& contactTags) const {
  switch (who) {
    case Who::kNone:
      return false;
    case Who::kAll:
      return true;
    case Who::kTagged:
      return std::any_of(tags.begin(), tags.end(), [&](TagId tag) {
        return std::find(contactTags.begin(), contactTags.end(), tag) != contactTags.end();
      });
  }
  return false;
}

}  // namespace mbr::members
