// Whom a call is about.
#pragma once

#include <optional>

#include "domain/contact.h"
#include "domain/email.h"
#include "domain/ids.h"
#include "store/store.h"

namespace mbr::contacts {

// A contact by its id if it is known, else by its e-mail. At least one is set.
struct Who {
  std::optional<ContactId> id;
  std::optional<Email> email;
};

// As the store has it, deleted ones too; nothing if it has none.
std::optional<Contact> findContact(store::Reader& reader, const Who& who);

}  // namespace mbr::contacts
