#include "members/own_write.h"

#include <algorithm>

namespace mbr::members {
namespace {

void setMembership(std::vector<ListMembership>& lists, const ListMembership& membership) {
  const auto at = std::lower_bound(
      lists.begin(), lists.end(), membership,
      [](const ListMembership& a, const ListMembership& b) { return a.id < b.id; });
  if (at != lists.end() && at->id == membership.id) {
    at->status = membership.status;
  } else {
    lists.insert(at, membership);
  }
}

}  // namespace

bool OwnWrite::empty() const {
  return !email && !firstName && !lastName && !phone && fields.empty() && lists.empty();
}

void applyOwnWrite(store::Transaction& tx, ContactId id, const OwnWrite& own, Instant now) {
  if (own.empty()) return;
  auto contact = tx.findContact(id);
  if (!contact) return;
  if (own.email) contact->email = own.email;
  if (own.firstName) contact->firstName = *own.firstName;
  if (own.lastName) contact->lastName = *own.lastName;
  if (own.phone) contact->phone = *own.phone;
  for (const auto& [perstag, value] : own.fields) {
    contact->fields[perstag] = value;
    auto& changes = contact->ownChanges;
    const auto isOlder = [name = &perstag](const OwnChange& change) {
      return change.kind == OwnChange::Kind::kField && change.field == *name;
    };
    changes.erase(std::remove_if(changes.begin(), changes.end(), isOlder), changes.end());
    changes.push_back({OwnChange::Kind::kField, 0, perstag, value, now});
  }
  for (const ListMembership& membership : own.lists) setMembership(contact->lists, membership);
  contact->changedAt = now;
  tx.saveContact(*contact);
}

}  // namespace mbr::members
