// The JSON texts in a contact's row, written and read by hand: they are the hot path, and only
// this file writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/contact.h"

namespace mbr::store::sql {

// {"tags":[1,2],"first_name":"…","last_name":"…","phone":"…","fields":{"PERSTAG":"…"},
//  "lists":[[id,status]],"created_at":ms}; what is empty is left out, tags come first.
std::string writeContactDoc(const Contact& contact);

// Fills what the text holds into `contact`; keys it does not know are skipped. False if the text
// is broken.
bool readContactDoc(std::string_view doc, Contact& contact);

// The tags alone, without reading the rest.
std::vector<TagId> tagsOfDoc(std::string_view doc);

// [[kind,tag,"field","value",ms]], or "" for none.
std::string writeOwnChanges(const std::vector<OwnChange>& changes);
bool readOwnChanges(std::string_view text, std::vector<OwnChange>& changes);

}  // namespace mbr::store::sql
