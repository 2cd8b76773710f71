#include "domain/contact.h"

#include <algorithm>

namespace mbr {

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
  return contact;
}

void layOwnChanges(Contact& contact, Instant since, Instant now) {
  auto& changes = contact.ownChanges;
  changes.erase(std::remove_if(changes.begin(), changes.end(),
                               [&](const OwnChange& change) {
                                 return change.at < since || now - change.at > kOwnChangeLife;
                               }),
                changes.end());
  for (const OwnChange& change : changes) {
    switch (change.kind) {
      case OwnChange::Kind::kTagAdded:
        addTag(contact.tags, change.tag);
        break;
      case OwnChange::Kind::kTagRemoved:
        removeTag(contact.tags, change.tag);
        break;
      case OwnChange::Kind::kField:
        contact.fields[change.field] = change.value;
        break;
    }
  }
}

}  // namespace mbr
