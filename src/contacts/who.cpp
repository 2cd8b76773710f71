#include "contacts/who.h"

namespace mbr::contacts {

std::optional<Contact> findContact(store::Reader& reader, const Who& who) {
  if (who.id) return reader.findContact(*who.id);
  return who.email ? reader.findContactByEmail(*who.email) : std::nullopt;
}

}  // namespace mbr::contacts
