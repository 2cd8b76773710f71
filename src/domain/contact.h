// A contact of ActiveCampaign as it is known here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "domain/email.h"
#include "domain/ids.h"

namespace mbr {

struct ListMembership {
  ListId id = 0;
  int status = 0;  // 0 unconfirmed, 1 subscribed, 2 unsubscribed, 3 bounced
  friend bool operator==(const ListMembership& a, const ListMembership& b) {
    return a.id == b.id && a.status == b.status;
  }
};

// Values by personalization tag, upper-case. Hidden fields never get in.
using FieldValues = std::map<std::string, std::string>;

// Something this site wrote to ActiveCampaign. Bodies sent before it may arrive after it, so it is
// laid over them for a while (kOwnChangeLife), until a pull sent after it was applied.
//
// kTagHeard is none of the site's: a tag that a body added and nothing has confirmed yet. It
// changes no data and stays until a pull sent after it, or an own kTagAdded, shows the tag to be
// there.
struct OwnChange {
  enum class Kind { kTagAdded, kTagRemoved, kField, kTagHeard };  // stored as numbers
  Kind kind = Kind::kTagAdded;
  TagId tag = 0;      // for tags
  std::string field;  // personalization tag, for kField
  std::string value;  // for kField
  Instant at{};
};
inline constexpr std::chrono::minutes kOwnChangeLife{10};
inline constexpr std::chrono::minutes kHeardTagLife{10};  // for so long it counts at the gate

struct Contact {
  ContactId id = 0;
  std::optional<Email> email;  // none once another contact was confirmed to own it
  std::string firstName;
  std::string lastName;
  std::string phone;
  FieldValues fields;
  std::vector<TagId> tags;            // ascending, unique
  std::vector<ListMembership> lists;  // ascending by id
  std::optional<Instant> createdAt;   // ActiveCampaign's cdate
  std::optional<Instant> updatedAt;   // ActiveCampaign's udate
  std::optional<Instant> eventAt;     // date_time of the newest delivery applied
  Instant asOf{};                     // the data was current then
  std::optional<Instant> pulledAt;    // when the last pull that was applied was sent
  bool confirmed = false;             // no body has changed it since that pull
  std::int64_t version = 0;           // +1 per change
  Instant changedAt{};
  std::optional<Instant> deletedAt;  // ActiveCampaign no longer has it
  std::vector<OwnChange> ownChanges;

  bool hasTag(TagId tag) const;
};

// False if a reader of the contact could tell the two apart (bookkeeping aside).
bool sameData(const Contact& a, const Contact& b);

// What one read of ActiveCampaign showed of one contact. A part that the answer did not hold is
// absent, which never means empty.
struct ContactSnapshot {
  ContactId id = 0;
  std::optional<Email> email;
  std::string firstName;
  std::string lastName;
  std::string phone;
  std::optional<FieldValues> fields;  // without hidden fields
  std::optional<std::vector<TagId>> tags;
  std::optional<std::vector<ListMembership>> lists;
  std::optional<Instant> createdAt;
  std::optional<Instant> updatedAt;
  std::optional<Secret> password;  // the password field's text; empty text = field is empty
  Instant sentAt{};                // when the (first) request was sent
};

// The contact after a pull: `known` with what the snapshot holds, own changes newer than the pull
// laid over it. Does not touch version and changedAt.
Contact withSnapshot(const Contact& known, const ContactSnapshot& snapshot);

// Applies own changes that are newer than `since` and younger than kOwnChangeLife at `now`, and
// forgets the others. What was heard is forgotten if it is older than `since`, whatever its age.
void layOwnChanges(Contact& contact, Instant since, Instant now);

// Remembers which tags a body has added at `now` to those of `before`.
void hearTags(Contact& contact, const std::vector<TagId>& before, Instant now);

// The tags of a contact as the gate sees them at `now`, both ascending.
struct GateTags {
  std::vector<TagId> sure;
  std::vector<TagId> doubtful;  // heard more than kHeardTagLife ago, not confirmed since
};
GateTags gateTags(const Contact& contact, Instant now);

void addTag(std::vector<TagId>& tags, TagId tag);
void removeTag(std::vector<TagId>& tags, TagId tag);

}  // namespace mbr
