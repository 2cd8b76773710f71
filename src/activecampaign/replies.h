// Reading ActiveCampaign's answers. Pure.
//
// Ids come as strings or as numbers, errors in two families, and parts of an answer may be missing.
// A missing part is reported as missing and never as empty.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "activecampaign/types.h"
#include "base/json.h"
#include "base/result.h"

namespace mbr::activecampaign {

// What a success is that cannot be understood.
Error unreadable(const char* what);

// Bodies that hold secrets are written in place, so that nothing is left behind when a string
// grows: what to keep free for them.
inline constexpr std::size_t kLongestEscape = 6;  // \u001f
inline constexpr std::size_t kKeysOfAPart = 64;

// A positive id, written as text or as a number.
std::optional<std::int64_t> readId(const json::Value& value);

// A number of 0 or more, written as text or as a number.
std::optional<std::int64_t> readCount(const json::Value& value);

// What an error body says: {"message":"…"}, {"errors":[{title, detail, …}]}, or the import's
// {"message", "failureReasons"}. Empty if it is of neither family.
std::string errorWords(const json::Value& body);

// Words fit for the log and for a caller: no control characters, no e-mail address, none of `ours`
// (the texts we sent, which an error may quote), at most 200 bytes.
std::string safeWords(std::string words, const std::vector<std::string>& ours);

bool saysDuplicate(const json::Value& body);
// "No Result found for Subscriber with id 1", "Contact not found"; an unknown route is not that.
bool saysMissing(const json::Value& body);
// "Request limit exceeded: 100 requests per minute": the importer's own limit, and not that of the
// contacts an account may have.
bool saysRequestLimit(const json::Value& body);
// 403 of contactAutomations: inactive or unknown automation, or no second entry allowed.
bool saysCannotEnter(const json::Value& body);

// Seconds or an HTTP date; nothing if it is neither. A date in the past is 0.
std::optional<Milliseconds> readRetryAfter(std::string_view header, Instant now);
// "Fri, 31 Jan 2026 09:30:00 GMT"; nothing if it is none.
std::optional<Instant> readHttpDate(std::string_view header);

// The rows beside the contacts of an answer, "contactTags", "fieldValues" and "contactLists" at its
// top level, sorted by whose they are. Made once for an answer: a page costs each row once.
class SideRows {
 public:
  using Rows = std::vector<const json::Value*>;

  // `root`, the whole answer, must outlive it. A row that does not say whose it is belongs to
  // `only`, the contact that the answer is about, and to nobody in an answer about several.
  SideRows(const json::Value& root, std::optional<ContactId> only);

  // The rows of a contact; nothing if they are not all there: the part is missing, the contact
  // lists the id of a row that is not, or it lists none and some row belongs to nobody.
  std::optional<Rows> of(const json::Value& contact, std::string_view part) const;

 private:
  struct Part {
    std::unordered_map<ContactId, Rows> byContact;
    bool hasStrays = false;
  };
  std::map<std::string_view, Part> parts_;
};

// One contact of an answer; a part whose rows are not all there is absent. `sentAt` is left to the
// caller. Nothing if this is no contact.
std::optional<ContactRead> readContactRow(const json::Value& contact, const SideRows& rows,
                                          const FieldView& view);
// As above, in an answer about this contact alone.
std::optional<ContactRead> readContactRow(const json::Value& contact, const json::Value& root,
                                          const FieldView& view);
// All of "contacts", in their order; kUnavailable if one of them is none, or there is no such list.
Result<std::vector<ContactRead>> readContactRows(const json::Value& root, const FieldView& view);

// The rows of `root` that belong to `contact`, as parts of it. Nothing if they cannot be read.
std::optional<std::vector<TagAssociation>> readTagRows(const json::Value& root, ContactId contact);
std::optional<std::vector<ListMembership>> readListRows(const json::Value& root, ContactId contact);
// Puts fields, password and unknownNames into `read`; false if the rows are not there.
bool readFieldRows(const json::Value& root, const FieldView& view, ContactRead& read);

// The text of one field in a write's answer; nothing if the answer does not show it.
std::optional<std::string> readEcho(const json::Value& root, ContactId contact, FieldId field);

// The contacts of all imports that are not completed. Nothing if the answer cannot be read.
std::optional<std::int64_t> readOutstanding(const json::Value& root);
std::optional<ImportInfo> readImportInfo(const json::Value& root);

std::optional<Webhook> readWebhook(const json::Value& row);

}  // namespace mbr::activecampaign
