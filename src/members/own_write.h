// What this site wrote to ActiveCampaign, as its readers see it from the commit on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/contact.h"
#include "store/store.h"

namespace mbr::members {

// Parts that are absent or empty are left alone.
struct OwnWrite {
  std::optional<Email> email;
  std::optional<std::string> firstName;
  std::optional<std::string> lastName;
  std::optional<std::string> phone;
  FieldValues fields;                 // no hidden ones
  std::vector<ListMembership> lists;  // each with its new status

  bool empty() const;
};

// Within a transaction: ActiveCampaign took `own` at `now`. Fields are laid over bodies that were
// sent before it, as tags are; the others are set. Nothing for a contact that is not known here.
void applyOwnWrite(store::Transaction& tx, ContactId id, const OwnWrite& own, Instant now);

}  // namespace mbr::members
