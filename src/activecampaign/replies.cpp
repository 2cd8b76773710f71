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
// Of an error's words nobody reads more. Entries are left out whole: half a password would not be
// recognised as one.
constexpr std::size_t kEnoughWords = 4096;
constexpr std::size_t kLongestEntry = 65536;
constexpr std::size_t kMaxEntries = 250;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void addWords(std::string& words, const json::Value& value) {
  const std::string text = value.textOr("");
  if (text.empty() || text.size() > kLongestEntry || words.size() >= kEnoughWords) return;
  if (contains(words, text)) return;
  if (!words.empty()) words += ": ";
  words += text;
}

// A row says whose it is; in an answer about one contact it need not.
bool belongsTo(const json::Value& row, ContactId contact) {
  const json::Value& owner = row["contact"];
  return owner.isNull() || readId(owner) == contact;
}

using Rows = SideRows::Rows;

// The contact lists the ids of its rows: true if none of them is missing in `rows`.
bool holdsAll(const json::Array& wanted, const Rows& rows) {
  std::vector<std::int64_t> ids;
  for (const json::Value* row : rows) {
    if (const auto id = readId((*row)["id"])) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return std::all_of(wanted.begin(), wanted.end(), [&](const json::Value& each) {
    const auto id = readId(each);
    return id && std::binary_search(ids.begin(), ids.end(), *id);
  });
}

std::optional<Rows> rowsOf(const json::Value& root, std::string_view part, ContactId contact) {
  const json::Array* all = root[part].asArray();
  if (all == nullptr) return std::nullopt;
  Rows rows;
  for (const json::Value& row : *all) {
    if (belongsTo(row, contact)) rows.push_back(&row);
  }
  return rows;
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

std::optional<std::vector<TagAssociation>> readTags(const Rows& rows) {
  std::vector<TagAssociation> found;
  for (const json::Value* row : rows) {
    const auto id = readId((*row)["id"]);
    const auto tag = readId((*row)["tag"]);
    if (!id || !tag) return std::nullopt;
    found.push_back({*id, *tag});
  }
  return found;
}

std::optional<std::vector<ListMembership>> readLists(const Rows& rows) {
  std::map<ListId, int> byList;
  for (const json::Value* row : rows) {
    const auto list = readId((*row)["list"]);
    const std::string status = (*row)["status"].textOr("");
    if (!list || status.size() != 1 || status < "0" || status > "3") return std::nullopt;
    byList[*list] = status.front() - '0';
  }
  std::vector<ListMembership> found;
  for (const auto& [id, status] : byList) found.push_back({id, status});
  return found;
}

bool readFields(const Rows& rows, const FieldView& view, ContactRead& read) {
  FieldValues fields;
  std::optional<Secret> password;
  bool unknown = false;
  bool unknownText = false;  // may be the password
  for (const json::Value* row : rows) {
    const auto field = readId((*row)["field"]);
    if (!field) return false;
    const json::Value& value = (*row)["value"];
    const std::optional<std::string> name = view.nameOf(*field);
    if (!name) {
      unknown = true;
      unknownText = unknownText || !valueText(value).empty();
    } else if (*name == view.passwordField) {
      password = Secret::take(valueText(value));
    } else if (view.hidden.count(*name) == 0) {
      fields[*name] = valueText(value);
    }
  }
  if (!password && !unknownText) password = Secret();
  read.snapshot.fields = std::move(fields);
  read.snapshot.password = std::move(password);
  read.unknownNames = unknown;
  return true;
}

// Texts only; nothing if there is anything else.
std::optional<std::vector<std::string>> readTexts(const json::Value& value) {
  const json::Array* rows = value.asArray();
  if (rows == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::Value& row : *rows) {
    if (row.asString() == nullptr) return std::nullopt;
    texts.push_back(*row.asString());
  }
  return texts;
}

}  // namespace

Error unreadable(const char* what) { return Error{Code::kUnavailable, what}; }

std::optional<std::int64_t> readId(const json::Value& value) {
  if (value.asBool() != nullptr) return std::nullopt;
  return parseId(value.textOr(""));
}

std::optional<std::int64_t> readCount(const json::Value& value) {
  if (value.asBool() == nullptr && value.textOr("") == "0") return 0;
  return readId(value);
}

std::string errorWords(const json::Value& body) {
  std::string words;
  addWords(words, body["message"]);
  std::size_t left = kMaxEntries;
  if (const json::Array* errors = body["errors"].asArray()) {
    for (const json::Value& each : *errors) {
      if (left-- == 0) return words;
      addWords(words, each["title"]);
      addWords(words, each["detail"]);
      if (each.asString() != nullptr) addWords(words, each);
    }
  }
  if (const json::Array* reasons = body["failureReasons"].asArray()) {
    for (const json::Value& each : *reasons) {
      if (left-- == 0) return words;
      addWords(words, each.asString() != nullptr ? each : each["failureReason"]);
    }
  }
  return words;
}

std::string safeWords(std::string words, const std::vector<std::string>& ours) {
  std::vector<std::string_view> texts(ours.begin(), ours.end());
  // One text may be a part of another: the longer one goes first.
  std::sort(texts.begin(), texts.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  for (const std::string_view text : texts) {
    if (text.size() < 3) break;  // would only shred the sentence
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

bool saysRequestLimit(const json::Value& body) {
  const std::string words = lower(errorWords(body));
  if (!contains(words, "limit")) return false;
  return contains(words, "requests") || contains(words, "request limit") ||
         contains(words, "rate limit") || contains(words, "per minute");
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
  const auto at = readHttpDate(header);
  if (!at) return std::nullopt;
  return std::max(Milliseconds{0}, *at - now);
}

std::optional<Instant> readHttpDate(std::string_view header) {
  std::tm time{};
  std::istringstream in{std::string(header)};
  in.imbue(std::locale::classic());
  in >> std::get_time(&time, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  return Instant{std::chrono::seconds{::timegm(&time)}};
}

SideRows::SideRows(const json::Value& root, std::optional<ContactId> only) {
  for (const char* name : {"contactTags", "fieldValues", "contactLists"}) {
    const json::Array* rows = root[name].asArray();
    if (rows == nullptr) continue;
    Part& part = parts_[name];
    for (const json::Value& row : *rows) {
      const json::Value& owner = row["contact"];
      const std::optional<ContactId> whose = owner.isNull() ? only : readId(owner);
      if (whose) {
        part.byContact[*whose].push_back(&row);
      } else {
        part.hasStrays = true;
      }
    }
  }
}

std::optional<Rows> SideRows::of(const json::Value& contact, std::string_view part) const {
  const auto there = parts_.find(part);
  const auto id = readId(contact["id"]);
  if (there == parts_.end() || !id) return std::nullopt;
  const auto own = there->second.byContact.find(*id);
  Rows rows = own == there->second.byContact.end() ? Rows{} : own->second;
  const json::Array* wanted = contact[part].asArray();
  if (wanted == nullptr ? there->second.hasStrays : !holdsAll(*wanted, rows)) return std::nullopt;
  return rows;
}

std::optional<std::vector<TagAssociation>> readTagRows(const json::Value& root, ContactId contact) {
  const auto rows = rowsOf(root, "contactTags", contact);
  return rows ? readTags(*rows) : std::nullopt;
}

std::optional<std::vector<ListMembership>> readListRows(const json::Value& root,
                                                        ContactId contact) {
  const auto rows = rowsOf(root, "contactLists", contact);
  return rows ? readLists(*rows) : std::nullopt;
}

bool readFieldRows(const json::Value& root, const FieldView& view, ContactRead& read) {
  const auto rows = rowsOf(root, "fieldValues", read.snapshot.id);
  return rows && readFields(*rows, view, read);
}

std::optional<ContactRead> readContactRow(const json::Value& contact, const json::Value& root,
                                          const FieldView& view) {
  return readContactRow(contact, SideRows(root, readId(contact["id"])), view);
}

Result<std::vector<ContactRead>> readContactRows(const json::Value& root, const FieldView& view) {
  const json::Array* rows = root["contacts"].asArray();
  if (rows == nullptr) return Error{Code::kUnavailable, "the answer holds no contacts"};
  std::optional<ContactId> only;
  if (rows->size() == 1) only = readId(rows->front()["id"]);
  const SideRows beside(root, only);
  std::vector<ContactRead> contacts;
  contacts.reserve(rows->size());
  for (const json::Value& row : *rows) {
    auto read = readContactRow(row, beside, view);
    if (!read) return Error{Code::kUnavailable, "the answer holds what is no contact"};
    contacts.push_back(std::move(*read));
  }
  return contacts;
}

std::optional<ContactRead> readContactRow(const json::Value& contact, const SideRows& rows,
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
  if (const auto own = rows.of(contact, "fieldValues")) readFields(*own, view, read);
  if (const auto own = rows.of(contact, "contactLists")) read.snapshot.lists = readLists(*own);
  if (const auto own = rows.of(contact, "contactTags")) {
    if (const auto tags = readTags(*own)) {
      read.snapshot.tags.emplace();
      for (const TagAssociation& each : *tags) addTag(*read.snapshot.tags, each.tag);
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

std::optional<std::int64_t> readOutstanding(const json::Value& root) {
  const json::Array* days = root["outstanding"].asArray();
  if (days == nullptr) return std::nullopt;
  std::int64_t sum = 0;
  for (const json::Value& day : *days) {
    const auto contacts = readCount(day["contacts"]);
    if (!contacts) return std::nullopt;
    sum += *contacts;
  }
  return sum;
}

// The lists need not be there before the import is completed.
std::optional<ImportInfo> readImportInfo(const json::Value& root) {
  const std::string* status = root["status"].asString();
  if (status == nullptr || status->empty()) return std::nullopt;
  ImportInfo info;
  info.completed = lower(*status) == "completed";
  const auto isAbsent = [&](const char* key) { return !info.completed && root[key].isNull(); };
  if (!isAbsent("success")) {
    const json::Array* ids = root["success"].asArray();
    if (ids == nullptr) return std::nullopt;
    for (const json::Value& each : *ids) {
      const auto id = readId(each);
      if (!id) return std::nullopt;
      info.success.push_back(*id);
    }
  }
  if (!isAbsent("failure")) {
    const auto emails = readTexts(root["failure"]);
    if (!emails) return std::nullopt;
    for (const std::string& each : *emails) info.failure.push_back(lower(each));
  }
  return info;
}

std::optional<Webhook> readWebhook(const json::Value& row) {
  const auto id = readId(row["id"]);
  const std::string* name = row["name"].asString();
  const std::string* url = row["url"].asString();
  auto events = readTexts(row["events"]);
  auto sources = readTexts(row["sources"]);
  if (!id || name == nullptr || url == nullptr || !events || !sources) return std::nullopt;
  return Webhook{*id,
                 *name,
                 Secret(*url),
                 std::move(*events),
                 std::move(*sources),
                 readId(row["listid"]).value_or(0)};
}

}  // namespace mbr::activecampaign
