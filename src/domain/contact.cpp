#include "domain/contact.h"

#include <algorithm>

namespace mbr {
namespace {

using Kind = OwnChange::Kind;

template <class Condition>
void forget(std::vector<OwnChange>& changes, Condition condition) {
  changes.erase(std::remove_if(changes.begin(), changes.end(), condition), changes.end());
}

// ActiveCampaign's answer to the site's own write has confirmed what a body said before.
bool isConfirmed(const OwnChange& heard, const std::vector<OwnChange>& changes) {
  return std::any_of(changes.begin(), changes.end(), [&](const OwnChange& change) {
    return change.kind == Kind::kTagAdded && change.tag == heard.tag && change.at >= heard.at;
  });
}

}  // namespace

bool Contact::hasTag(TagId tag) const { return std::binary_search(tags.begin(), tags.end(), tag); }

void addTag(std::vector<TagId>& tags, TagId tag) {
  const auto at = std::lower_bound(tags.begin(), tags.end(), tag);
  if (at == tags.end() || *at != tag) tags.insert(at, tag);
}

void removeTag(std::vector<TagId>& tags, TagId tag) {
  const auto at = std::lower_bound(tags.begin(), tags.end(), tag);
  if (at != tags.end() && *at == tag) tags.erase(at);
}

bool sameData(const Contact& a, const Contact& b) {
  return a.id == b.id && a.email == b.email && a.firstName == b.firstName &&
         a.lastName == b.lastName && a.phone == b.phone && a.fields == b.fields &&
         a.tags == b.tags && a.lists == b.lists && a.createdAt == b.createdAt &&
         a.deletedAt.has_value() == b.deletedAt.has_value();
}

Contact withSnapshot(const Contact& known, const ContactSnapshot& snapshot) {
  Contact contact = known;
  contact.id = snapshot.id;
  contact.email = snapshot.email;
  contact.firstName = snapshot.firstName;
  contact.lastName = snapshot.lastName;
  contact.phone = snapshot.phone;
  if (snapshot.fields) contact.fields = *snapshot.fields;
  if (snapshot.tags) {
    contact.tags = *snapshot.tags;
    std::sort(contact.tags.begin(), contact.tags.end());
    contact.tags.erase(std::unique(contact.tags.begin(), contact.tags.end()), contact.tags.end());
  }
  if (snapshot.lists) {
    contact.lists = *snapshot.lists;
    std::sort(contact.lists.begin(), contact.lists.end(),
              [](const ListMembership& a, const ListMembership& b) { return a.id < b.id; });
  }
  if (snapshot.createdAt) contact.createdAt = snapshot.createdAt;
  if (snapshot.updatedAt) contact.updatedAt = snapshot.updatedAt;
  contact.asOf = snapshot.sentAt;
  contact.pulledAt = snapshot.sentAt;
  contact.confirmed = true;
  contact.deletedAt.reset();
  layOwnChanges(contact, snapshot.sentAt, snapshot.sentAt);
  if (snapshot.tags) return contact;
  // An answer without tags confirms none.
  for (const OwnChange& change : known.ownChanges) {
    const bool forgotten = change.kind == Kind::kTagHeard && change.at < snapshot.sentAt;
    if (forgotten) contact.ownChanges.push_back(change);
  }
  return contact;
}

void layOwnChanges(Contact& contact, Instant since, Instant now) {
  auto& changes = contact.ownChanges;
  // First, while the changes that confirm are still there.
  const auto before = changes;
  forget(changes, [&](const OwnChange& change) {
    if (change.at < since) return true;
    if (change.kind == Kind::kTagHeard) return isConfirmed(change, before);
    return now - change.at > kOwnChangeLife;
  });
  for (const OwnChange& change : changes) {
    switch (change.kind) {
      case Kind::kTagAdded:
        addTag(contact.tags, change.tag);
        break;
      case Kind::kTagRemoved:
        removeTag(contact.tags, change.tag);
        break;
      case Kind::kField:
        contact.fields[change.field] = change.value;
        break;
      case Kind::kTagHeard:
        break;
    }
  }
}

void hearTags(Contact& contact, const std::vector<TagId>& before, Instant now) {
  const auto wasThere = [&](TagId tag) {
    return std::binary_search(before.begin(), before.end(), tag);
  };
  // A tag that went and came again is heard anew.
  forget(contact.ownChanges, [&](const OwnChange& change) {
    return change.kind == Kind::kTagHeard && !(wasThere(change.tag) && contact.hasTag(change.tag));
  });
  for (const TagId tag : contact.tags) {
    if (!wasThere(tag)) contact.ownChanges.push_back({Kind::kTagHeard, tag, {}, {}, now});
  }
}

GateTags gateTags(const Contact& contact, Instant now) {
  constexpr std::chrono::seconds kMaxAhead{2};  // beyond it: heard before the clock was set back
  GateTags tags;
  for (const TagId tag : contact.tags) {
    const bool doubtful = std::any_of(
        contact.ownChanges.begin(), contact.ownChanges.end(), [&](const OwnChange& change) {
          if (change.kind != Kind::kTagHeard || change.tag != tag) return false;
          const bool young = now - change.at <= kHeardTagLife && change.at <= now + kMaxAhead;
          return !young && !isConfirmed(change, contact.ownChanges);
        });
    (doubtful ? tags.doubtful : tags.sure).push_back(tag);
  }
  return tags;
}

}  // namespace mbr
