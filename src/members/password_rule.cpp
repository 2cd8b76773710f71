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
        return std::binary_search(contactTags.begin(), contactTags.end(), tag);
      });
  }
  return false;
}

}  // namespace mbr::members
