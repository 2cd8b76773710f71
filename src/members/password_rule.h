// Which contacts get a password without a webhook of their own asking for one.
#pragma once

#include <vector>

#include "domain/contact.h"
#include "domain/ids.h"

namespace mbr::members {

// password.event_rule, .event_tags and .event_automations (DECISIONS, "State-driven rules").
// Immutable. Pure.
struct PasswordRule {
  enum class Who { kNone, kAll, kTagged };
  Who who = Who::kNone;
  std::vector<TagId> tags;  // kTagged: any of them suffices

  // What a contact gets after a password that it was given by this rule.
  std::vector<TagId> thenTags;
  std::vector<AutomationId> thenAutomations;

  bool covers(const std::vector<TagId>& contactTags) const;
};

}  // namespace mbr::members
