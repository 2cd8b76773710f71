// The rows of the API as ActiveCampaign writes them. Each function writes one
// object's keys without its braces, so that a caller can add its own.
#pragma once

#include <string>

#include "json_out.h"
#include "ledger.h"

namespace acsim {

// The full form. `timestamp` is what updated_timestamp shows.
void contactKeys(JsonOut& out, const Contact& contact, const std::string& base, Ms timestamp);
// What POST /contacts and a creating sync answer.
void contactShortKeys(JsonOut& out, const Contact& contact, const std::string& base);
// `"contacts":[{...}]`, which write answers carry.
void putContacts(JsonOut& out, const Contact& contact, const std::string& base);

void tagKeys(JsonOut& out, const Tag& tag, const std::string& base);
void tagLinkKeys(JsonOut& out, Id contact, const TagLink& link, const std::string& base);
void fieldKeys(JsonOut& out, const Field& field, const std::string& base);
void relationKeys(JsonOut& out, Id field, const Relation& relation);
void valueKeys(JsonOut& out, Id contact, Id field, const FieldValue& value,
               const std::string& base);
void listKeys(JsonOut& out, const List& list, const std::string& base);
void listLinkKeys(JsonOut& out, Id contact, const ListLink& link, const std::string& base);
void automationKeys(JsonOut& out, const Automation& automation, const std::string& base);
void entryKeys(JsonOut& out, Id contact, const Entry& entry, const std::string& base);

// `"links":{"NAME":"BASE/api/3/PATH/NAME",...}` for each blank-separated name.
void putLinks(JsonOut& out, const std::string& base, const std::string& path,
              std::string_view names);

// created_timestamp and its fellows; zoneless, and local even where they say UTC.
void putTimestamps(JsonOut& out, Ms created, Ms updated);
void putStampOrNull(JsonOut& out, std::string_view name, Ms at);

template <class Rows, class Write>
void putRows(JsonOut& out, std::string_view name, const Rows& rows, Write write) {
  out.key(name).openArray();
  for (const auto& row : rows) {
    out.open();
    write(row);
    out.close();
  }
  out.closeArray();
}

// `"NAME":["1","2"]`
template <class Rows, class Pick>
void putIds(JsonOut& out, std::string_view name, const Rows& rows, Pick pick) {
  out.key(name).openArray();
  for (const auto& row : rows) out.id(pick(row));
  out.closeArray();
}

}  // namespace acsim
