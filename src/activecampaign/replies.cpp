#include "activecampaign/replies.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

#include "base/time_format.h"
#include "base/utf8.h"

namespace mbr::activecampaign {
namespace {

constexpr std::size_t kMaxWords = 200;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void addWords(std::string& words, const json::Value& value) {
  const std::string text = value.textOr("");
  if (text.empty() || contains(words, text)) return;
  if (!words.empty()) words += ": ";
  words += text;
}

// A row says whose it is; in an answer about one contact it need not.
bool belongsTo(const json::Value& row, ContactId contact) {
  const json::Value& owner = row["contact"];
  return owner.isNull() || readId(owner) == contact;
}

// The contact lists the ids of its rows: true if no row of them is missing in `root`.
bool holdsAll(const json::Value& contact, const json::Value& root, std::string_view part) {
  const json::Array* rows = root[part].asArray();
  if (rows == nullptr) return false;
  const json::Array* wanted = contact[part].asArray();
  if (wanted == nullptr) return true;
  return std::all_of(wanted->begin(), wanted->end(), [&](const json::Value& id) {
    return std::any_of(rows->begin(), rows->end(), [&](const json::Value& row) {
      return readId(id).has_value() && readId(row["id"]) == readId(id);
    });
  });
}

std::string valueText(const json::Value& value) {
  if (value.isNull()) return "";
  const bool isTree = value.asArray() != nullptr || value.asObject() != nullptr;
  return isTree || value.asDouble() != nullptr ? json::write(value) : value.textOr("");
}

std::optional<Instant> readTime(const json::Value& value) {
  const std::string* text = value.asString();
  return text == nullptr ? std::nullopt : parseIso8601(*text);
}

}  // namespace

std::optional<std::int64_t> readId(const json::Value& value) {
  if (value.asBool() != nullptr) return std::nullopt;
  return parseId(value.textOr(""));
}

std::string errorWords(const json::Value& body) {
  std::string words;
  addWords(words, body["message"]);
  if (const json::Array* errors = body["errors"].asArray()) {
    for (const json::Value& each : *errors) {
      addWords(words, each["title"]);
      addWords(words, each["detail"]);
      if (each.asString() != nullptr) addWords(words, each);
    }
  }
  if (const json::Array* reasons = body["failureReasons"].asArray()) {
    for (const json::Value& each : *reasons) {
      addWords(words, each.asString() != nullptr ? each : each["failureReason"]);
    }
  }
  return words;
}

std::string safeWords(std::string words, const std::vector<std::string>& ours) {
  for (const std::string& text : ours) {
    if (text.size() < 3) continue;  // would only shred the sentence
    for (auto at = words.find(text); at != std::string::npos; at = words.find(text, at + 3)) {
      words.replace(at, text.size(), "***");
    }
  }
  std::string safe;
  std::size_t start = 0;
  while (start < words.size()) {
    const std::size_t end = std::min(words.find(' ', start), words.size());
    const std::string word = words.substr(start, end - start);
    if (!safe.empty()) safe += ' ';
    safe += contains(word, "@") ? "***" : word;
    start = end + 1;
  }
  for (char& c : safe) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (safe.size() > kMaxWords) safe.resize(kMaxWords);
  while (!safe.empty() && !isValidUtf8(safe)) safe.pop_back();
  return safe;
}

bool saysDuplicate(const json::Value& body) {
  if (const json::Array* errors = body["errors"].asArray()) {
    for (const json::Value& each : *errors) {
      if (each["code"].textOr("") == "duplicate") return true;
    }
  }
  return contains(lower(errorWords(body)), "already");
}

bool saysMissing(const json::Value& body) {
  const std::string words = lower(errorWords(body));
  if (contains(words, "route")) return false;
  return contains(words, "no result found") || contains(words, "not found") ||
         contains(words, "does not exist");
}

bool saysCannotEnter(const json::Value& body) {
  return contains(lower(errorWords(body)), "subscriberseries");
}

std::optional<Milliseconds> readRetryAfter(std::string_view header, Instant now) {
  long seconds = 0;
  const char* end = header.data() + header.size();
  const auto [stop, error] = std::from_chars(header.data(), end, seconds);
  if (error == std::errc{} && stop == end && seconds >= 0) {
    return Milliseconds{std::min(seconds, 1000000L) * 1000};
  }
  std::tm time{};
  std::istringstream in{std::string(header)};
  in.imbue(std::locale::classic());
  in >> std::get_time(&time, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  const Instant at{std::chrono::seconds{::timegm(&time)}};
  return std::max(Milliseconds{0}, at - now);
}

std::optional<std::vector<TagAssociation>> readTagRows(const json::Value& root, ContactId contact) {
  const json::Array* rows = root["contactTags"].asArray();
  if (rows == nullptr) return std::nullopt;
  std::vector<TagAssociation> found;
  for (const json::Value& row : *rows) {
    if (!belongsTo(row, contact)) continue;
    const auto id = readId(row["id"]);
    const auto tag = readId(row["tag"]);
    if (!id || !tag) return std::nullopt;
    found.push_back({*id, *tag});
  }
  return found;
}

std::optional<std::vector<ListMembership>> readListRows(const json::Value& root,
                                                        ContactId contact) {
  const json::Array* rows = root["contactLists"].asArray();
  if (rows == nullptr) return std::nullopt;
  std::map<ListId, int> byList;
  for (const json::Value& row : *rows) {
    if (!belongsTo(row, contact)) continue;
    const auto list = readId(row["list"]);
    const std::string status = row["status"].textOr("");
    if (!list || status.size() != 1 || status < "0" || status > "3") return std::nullopt;
    byList[*list] = status.front() - '0';
  }
  std::vector<ListMembership> found;
  for (const auto& [id, status] : byList) found.push_back({id, status});
  return found;
}

bool readFieldRows(const json::Value& root, const FieldView& view, ContactRead& read) {
  const json::Array* rows = root["fieldValues"].asArray();
  if (rows == nullptr) return false;
  FieldValues fields;
  std::optional<Secret> password;
  bool unknown = false;
  bool unknownText = false;  // may be the password
  for (const json::Value& row : *rows) {
    if (!belongsTo(row, read.snapshot.id)) continue;
    const auto field = readId(row["field"]);
    if (!field) return false;
    const std::optional<std::string> name = view.nameOf(*field);
    if (!name) {
      unknown = true;
      unknownText = unknownText || !valueText(row["value"]).empty();
    } else if (*name == view.passwordField) {
      password = Secret::take(valueText(row["value"]));
    } else if (view.hidden.count(*name) == 0) {
      fields[*name] = valueText(row["value"]);
    }
  }
  if (!password && !unknownText) password = Secret();
  read.snapshot.fields = std::move(fields);
  read.snapshot.password = std::move(password);
  read.unknownNames = unknown;
  return true;
}

std::optional<ContactRead> readContactRow(const json::Value& contact, const json::Value& root,
                                          const FieldView& view) {
  const json::Object* object = contact.asObject();
  const auto id = readId(contact["id"]);
  if (object == nullptr || !id) return std::nullopt;
  for (const char* key : {"email", "firstName", "lastName", "phone"}) {
    if (object->find(key) == nullptr) return std::nullopt;
  }
  ContactRead read;
  read.snapshot.id = *id;
  read.snapshot.email = Email::parse(contact["email"].textOr(""));
  read.snapshot.firstName = contact["firstName"].textOr("");
  read.snapshot.lastName = contact["lastName"].textOr("");
  read.snapshot.phone = contact["phone"].textOr("");
  read.snapshot.createdAt = readTime(contact["cdate"]);
  read.snapshot.updatedAt = readTime(contact["udate"]);
  if (holdsAll(contact, root, "fieldValues")) readFieldRows(root, view, read);
  if (holdsAll(contact, root, "contactLists")) read.snapshot.lists = readListRows(root, *id);
  if (holdsAll(contact, root, "contactTags")) {
    if (const auto rows = readTagRows(root, *id)) {
      read.snapshot.tags.emplace();
      for (const TagAssociation& row : *rows) addTag(*read.snapshot.tags, row.tag);
    }
  }
  return read;
}

std::optional<std::string> readEcho(const json::Value& root, ContactId contact, FieldId field) {
  std::optional<std::string> found;
  const json::Array* rows = root["fieldValues"].asArray();
  if (rows == nullptr) return found;
  for (const json::Value& row : *rows) {
    if (belongsTo(row, contact) && readId(row["field"]) == field) found = valueText(row["value"]);
  }
  return found;
}

}  // namespace mbr::activecampaign
