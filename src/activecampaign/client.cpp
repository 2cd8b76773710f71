#include "activecampaign/client.h"

#include <algorithm>
#include <set>

#include "activecampaign/replies.h"
#include "base/ascii.h"
#include "base/time_format.h"

namespace mbr::activecampaign {
namespace {

constexpr const char* kInclude = "contactTags.tag,fieldValues,contactLists";
constexpr std::size_t kPage = kPageSize;
constexpr std::size_t kDefaultPage = 20;  // what an endpoint that ignores `limit` gives
constexpr std::size_t kMaxRows = 100000;
std::string contactPath(ContactId id, const char* part = "") {
  return "contacts/" + std::to_string(id) + part;
}

std::string text(std::int64_t id) { return std::to_string(id); }

// {"name": {…}}
std::string wrapped(const char* name, json::Object object) {
  return json::write(json::Object{{name, json::Value(std::move(object))}});
}

std::optional<std::size_t> readTotal(const json::Value& body) {
  const auto number = readCount(body["meta"]["total"]);
  if (!number) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

// 2026-01-02T03:04:05+00:00: to the second, rounded down.
std::string withOffset(Instant instant) { return formatRfc3339(instant).substr(0, 19) + "+00:00"; }

std::optional<Secret> asSecret(std::optional<std::string> text) {
  if (!text) return std::nullopt;
  return Secret::take(std::move(*text));
}

// Of a request that links two things: one of them may be missing, which some routes say with a 400.
Error refusalOfLink(const Reply& reply, const Request& request) {
  Error why = refusal(reply, request);
  if (why.code == Code::kInvalid && saysMissing(reply.body)) why.code = Code::kNotFound;
  return why;
}

// Written as text, not as a tree, so that a password among the values can be wiped.
std::string contactBody(const ContactWrite& write) {
  std::size_t texts = 1024;  // e-mail and names; they are no secrets
  for (const auto& each : write.fields) texts += each.second.size();
  std::string body;
  body.reserve(kLongestEscape * texts + kKeysOfAPart * write.fields.size());
  body += R"({"contact":{)";
  const auto put = [&body](const char* name, const std::string& value) {
    if (body.back() != '{') body += ',';
    json::appendString(body, name);
    body += ':';
    json::appendString(body, value);
  };
  if (write.email) put("email", write.email->text());
  if (write.firstName) put("firstName", *write.firstName);
  if (write.lastName) put("lastName", *write.lastName);
  if (write.phone) put("phone", *write.phone);
  if (!write.fields.empty()) {
    if (body.back() != '{') body += ',';
    body += R"("fieldValues":[)";
    for (const auto& [field, value] : write.fields) {
      if (body.back() != '[') body += ',';
      body += '{';
      put("field", text(field));
      put("value", value);
      body += '}';
    }
    body += ']';
  }
  body += "}}";
  return body;
}

}  // namespace

Client::Client(Transport& transport, RateBudget& budget, Breaker& breaker, Features& features,
               const Clock& clock, const RightOfWay* loginsFirst)
    : exchange_(transport, budget, breaker, clock, loginsFirst), features_(features) {}

Result<std::optional<ContactRead>> Client::readContact(const Call& call, ContactId id,
                                                       const FieldView& view) {
  using Answer = std::optional<ContactRead>;
  Request request{"GET", contactPath(id)};
  request.repeatable = true;
  const bool include = features_.includes(Features::Read::kContact).value_or(true);
  if (include) request.query = {{"include", kInclude}};
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) {
    if (reply.error().code == Code::kNotFound) return Answer{};
    return reply.error();
  }
  Answer read = readContactRow(reply->body["contact"], reply->body, view);
  if (!read || read->snapshot.id != id) return unreadable("the answer holds no such contact");
  if (include) {
    features_.learn(Features::Read::kContact, reply->body["contactTags"].asArray() != nullptr);
  }
  read->snapshot.sentAt = reply->sentAt;
  return complete(call, std::move(*read), view);
}

Result<std::optional<ContactRead>> Client::readContactByEmail(const Call& call, const Email& email,
                                                              const FieldView& view) {
  using Answer = std::optional<ContactRead>;
  Request request{"GET", "contacts", {{"email", email.text()}}};
  request.ours = {email.text()};
  request.repeatable = true;
  const bool include = features_.includes(Features::Read::kPage).value_or(true);
  if (include) request.query.emplace_back("include", kInclude);
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) return reply.error();
  auto rows = readContactRows(reply->body, view);
  if (!rows) return rows.error();

  Answer found;
  for (ContactRead& read : *rows) {
    const bool older = !found || read.snapshot.id < found->snapshot.id;
    if (read.snapshot.email == email && older) found = std::move(read);
  }
  if (!found) {
    // A filter that was ignored shows the first contacts of all: that says nothing about this one.
    const bool all = rows->empty() || readTotal(reply->body) == rows->size();
    if (!all) return unreadable("the answer is not about the e-mail asked for");
    return Answer{};
  }
  if (include) {
    features_.learn(Features::Read::kPage, reply->body["contactTags"].asArray() != nullptr);
  }
  found->snapshot.sentAt = reply->sentAt;
  if (found->snapshot.fields || found->snapshot.lists) return complete(call, *found, view);

  Result<Answer> whole = readContact(call, found->snapshot.id, view);
  if (!whole || !*whole) return whole;
  if ((*whole)->snapshot.email != email) return unreadable("the contact changed while it was read");
  (*whole)->snapshot.sentAt = reply->sentAt;
  return whole;
}

// All contacts of the answer, as they come.
Result<ContactPage> Client::askPage(const Call& call, Request request, const FieldView& view) {
  request.repeatable = true;
  const bool include = features_.includes(Features::Read::kPage).value_or(true);
  if (include) request.query.emplace_back("include", kInclude);
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) return reply.error();
  auto rows = readContactRows(reply->body, view);
  if (!rows) return rows.error();
  if (include && !rows->empty()) {
    features_.learn(Features::Read::kPage, reply->body["contactTags"].asArray() != nullptr);
  }
  for (ContactRead& read : *rows) read.snapshot.sentAt = reply->sentAt;
  return ContactPage{std::move(*rows), readCount(reply->body["meta"]["total"])};
}

Result<ContactPage> Client::readPage(const Call& call, const PageQuery& query,
                                     const FieldView& view) {
  Request request{"GET", "contacts"};
  request.query = {
      {"limit", text(kPage)}, {"orders[id]", "ASC"}, {"id_greater", text(query.after)}};
  if (query.updatedAfter) {
    request.query.emplace_back("filters[updated_after]", withOffset(*query.updatedAfter));
  }
  Result<ContactPage> page = askPage(call, std::move(request), view);
  if (!page) return page;
  auto& contacts = page->contacts;
  ContactId last = query.after;
  for (const ContactRead& read : contacts) {
    if (read.snapshot.id <= query.after) return unreadable("the account ignores id_greater");
    if (read.snapshot.id <= last) return unreadable("the ids of the page do not ascend");
    last = read.snapshot.id;
  }
  // Of an account that ignores the limit; the next page begins with the rest.
  if (contacts.size() > kPage) contacts.erase(contacts.begin() + kPageSize, contacts.end());
  return page;
}

Result<ContactPage> Client::readContacts(const Call& call, const std::vector<ContactId>& ids,
                                         const FieldView& view) {
  std::set<ContactId> wanted(ids.begin(), ids.end());
  if (wanted.empty()) return ContactPage{};
  if (wanted.size() > kPage) return Error{Code::kInvalid, "more contacts than a page holds"};
  Request request{"GET", "contacts", {{"limit", text(kPage)}}};
  for (const ContactId id : wanted) request.query.emplace_back("ids[]", text(id));
  Result<ContactPage> page = askPage(call, std::move(request), view);
  if (!page) return page;
  auto& contacts = page->contacts;
  contacts.erase(
      std::remove_if(contacts.begin(), contacts.end(),
                     [&](const ContactRead& read) { return wanted.erase(read.snapshot.id) == 0; }),
      contacts.end());
  std::sort(contacts.begin(), contacts.end(), [](const ContactRead& a, const ContactRead& b) {
    return a.snapshot.id < b.snapshot.id;
  });
  return page;
}

// Reads the parts that the answer lacked one by one.
Result<std::optional<ContactRead>> Client::complete(const Call& call, ContactRead read,
                                                    const FieldView& view) {
  using Answer = std::optional<ContactRead>;
  ContactSnapshot& snapshot = read.snapshot;
  const auto goneOr = [](const Error& error) -> Result<Answer> {
    if (error.code == Code::kNotFound) return Answer{};
    return error;
  };
  if (!snapshot.tags) {
    const auto rows = listContactTags(call, snapshot.id);
    if (!rows) return goneOr(rows.error());
    snapshot.tags.emplace();
    for (const TagAssociation& row : *rows) mbr::addTag(*snapshot.tags, row.tag);
  }
  const auto part = [&](const char* name) -> Result<json::Value> {
    auto rows = listRows(call, contactPath(snapshot.id, "/") + name, name);
    if (!rows) return rows.error();
    return json::Value(json::Object{{name, json::Value(std::move(*rows))}});
  };
  if (!snapshot.fields) {
    const Result<json::Value> rows = part("fieldValues");
    if (!rows) return goneOr(rows.error());
    if (!readFieldRows(*rows, view, read)) return unreadable("field values cannot be read");
  }
  if (!snapshot.lists) {
    const Result<json::Value> rows = part("contactLists");
    if (!rows) return goneOr(rows.error());
    snapshot.lists = readListRows(*rows, snapshot.id);
    if (!snapshot.lists) return unreadable("list memberships cannot be read");
  }
  return Answer{std::move(read)};
}

// --- writing a contact -----------------------------------------------------------------------

Result<Reply> Client::sendContact(const Call& call, Request request, const ContactWrite& write) {
  // Not repeatable: another writer may have come first, so whoever writes again reads first.
  request.body = contactBody(write);
  if (write.email) request.ours.push_back(write.email->text());
  for (const auto* name : {&write.firstName, &write.lastName, &write.phone}) {
    if (*name) request.ours.push_back(**name);
  }
  for (const auto& each : write.fields) request.ours.push_back(each.second);
  Result<Reply> reply = exchange_.ask(call, request);
  wipe(request.body);
  for (std::string& each : request.ours) wipe(each);
  return reply;
}

Result<Reply> Client::putContact(const Call& call, ContactId id, const ContactWrite& write) {
  Result<Reply> reply = sendContact(call, {"PUT", contactPath(id)}, write);
  if (reply && readId(reply->body["contact"]["id"]) != id) {
    return unreadable("the answer holds no such contact");
  }
  return reply;
}

Result<ContactId> Client::createContact(const Call& call, const ContactWrite& write) {
  const Result<Reply> reply = sendContact(call, {"POST", "contacts"}, write);
  if (!reply) return reply.error();
  const auto id = readId(reply->body["contact"]["id"]);
  if (!id) return unreadable("the new contact has no id");
  return *id;
}

Result<std::map<FieldId, std::string>> Client::writeContact(const Call& call, ContactId id,
                                                            const ContactWrite& write) {
  const Result<Reply> reply = putContact(call, id, write);
  if (!reply) return reply.error();
  std::map<FieldId, std::string> shown;
  for (const auto& [field, value] : write.fields) {
    if (auto echo = readEcho(reply->body, id, field)) shown[field] = std::move(*echo);
  }
  return shown;
}

Result<std::optional<Secret>> Client::writePassword(const Call& call, ContactId id, FieldId field,
                                                    const Secret& password) {
  ContactWrite write;
  write.fields[field] = password.reveal();
  const Result<Reply> reply = putContact(call, id, write);
  wipe(write.fields[field]);
  if (!reply) return reply.error();
  return asSecret(readEcho(reply->body, id, field));
}

Result<std::optional<Secret>> Client::clearField(const Call& call, ContactId id, FieldId field) {
  return writePassword(call, id, field, Secret());
}

// --- tags, automations, lists ----------------------------------------------------------------

Result<bool> Client::addTag(const Call& call, ContactId contact, TagId tag) {
  Request request{"POST", "contactTags"};
  request.body = wrapped("contactTag", {{"contact", text(contact)}, {"tag", text(tag)}});
  const Result<Reply> reply = exchange_.send(call, request);
  if (!reply) return reply.error();
  if (reply->success()) return reply->status == 201;
  if (reply->status != 404 && saysDuplicate(reply->body)) return false;
  return refusalOfLink(*reply, request);
}

Result<std::vector<TagAssociation>> Client::listContactTags(const Call& call, ContactId contact) {
  auto rows = listRows(call, contactPath(contact, "/contactTags"), "contactTags");
  if (!rows) return rows.error();
  const json::Value root = json::Object{{"contactTags", json::Value(std::move(*rows))}};
  auto found = readTagRows(root, contact);
  if (!found) return unreadable("tags of a contact cannot be read");
  return std::move(*found);
}

Outcome Client::removeTagAssociation(const Call& call, std::int64_t association) {
  return remove(call, "contactTags/" + text(association));
}

Outcome Client::remove(const Call& call, std::string path) {
  Request request{"DELETE", std::move(path)};
  request.repeatable = true;
  request.emptyIsFine = true;
  const Result<Reply> reply = exchange_.ask(call, request);
  if (reply || reply.error().code == Code::kNotFound) return Done{};
  return reply.error();
}

Result<EntryAnswer> Client::enterAutomation(const Call& call, ContactId contact,
                                            AutomationId automation) {
  Request request{"POST", "contactAutomations"};
  request.body =
      wrapped("contactAutomation", {{"contact", text(contact)}, {"automation", text(automation)}});
  const Result<Reply> reply = exchange_.send(call, request);
  if (!reply) return reply.error();
  if (reply->success()) return EntryAnswer{true, ""};
  Error why = refusal(*reply, request);
  // 404 of the contact is the caller's to follow up, and one we cannot read says nothing.
  if (why.code == Code::kNotFound || why.code == Code::kUnavailable) return why;
  return EntryAnswer{false, std::move(why.detail)};
}

Result<std::vector<AutomationEntry>> Client::listContactAutomations(const Call& call,
                                                                    ContactId contact) {
  const auto rows =
      listRows(call, contactPath(contact, "/contactAutomations"), "contactAutomations");
  if (!rows) return rows.error();
  std::vector<AutomationEntry> entries;
  for (const json::Value& row : *rows) {
    const auto id = readId(row["id"]);
    const json::Value& named = row["automation"].isNull() ? row["seriesid"] : row["automation"];
    const auto automation = readId(named);
    if (!id || !automation) return unreadable("automations of a contact cannot be read");
    std::optional<Instant> at = parseIso8601(row["adddate"].textOr(""));
    if (!at) at = parseIso8601(row["cdate"].textOr(""));
    entries.push_back({*id, *automation, at, row["completed"].textOr("0") == "1"});
  }
  return entries;
}

Outcome Client::removeAutomationEntry(const Call& call, std::int64_t entry) {
  Request request{"DELETE", "contactAutomations/" + text(entry)};
  request.repeatable = true;
  request.emptyIsFine = true;
  const Result<Reply> reply = exchange_.send(call, request);
  if (!reply) return reply.error();
  if (reply->success() || saysMissing(reply->body)) return Done{};
  return refusal(*reply, request);
}

Result<std::vector<ListMembership>> Client::listContactLists(const Call& call, ContactId contact) {
  auto rows = listRows(call, contactPath(contact, "/contactLists"), "contactLists");
  if (!rows) return rows.error();
  const json::Value root = json::Object{{"contactLists", json::Value(std::move(*rows))}};
  auto found = readListRows(root, contact);
  if (!found) return unreadable("list memberships cannot be read");
  return std::move(*found);
}

Outcome Client::setListStatus(const Call& call, ContactId contact, ListId list, int status,
                              bool again) {
  Request request{"POST", "contactLists"};
  request.repeatable = true;  // it sets, it does not add
  json::Object row{{"list", text(list)}, {"contact", text(contact)}, {"status", status}};
  if (again) row.set("sourceid", 4);
  request.body = wrapped("contactList", std::move(row));
  const Result<Reply> reply = exchange_.send(call, request);
  if (!reply) return reply.error();
  if (reply->success()) return Done{};
  return refusalOfLink(*reply, request);
}

// --- directories -----------------------------------------------------------------------------

// All rows of a list, or an error. `limit` and `offset` are not honoured everywhere, and not every
// list says how many there are.
Result<std::vector<json::Value>> Client::listRows(const Call& call, const std::string& path,
                                                  const std::string& key) {
  std::vector<json::Value> rows;
  std::set<std::int64_t> ids;
  std::optional<std::size_t> total;
  std::size_t offset = 0;
  while (rows.size() < kMaxRows) {
    Request request{"GET", path, {{"limit", text(kPage)}}};
    if (offset > 0) request.query.emplace_back("offset", text(static_cast<std::int64_t>(offset)));
    request.repeatable = true;
    const Result<Reply> reply = exchange_.ask(call, request);
    if (!reply) return reply.error();
    const json::Array* page = reply->body[key].asArray();
    if (page == nullptr) return unreadable("the answer holds no such list");
    total = readTotal(reply->body);
    const std::size_t before = rows.size();
    for (const json::Value& row : *page) {
      const auto id = readId(row["id"]);
      if (!id) return unreadable("a row has no id");
      if (ids.insert(*id).second) rows.push_back(row);
    }
    offset += page->size();
    const bool isFull = page->size() == kDefaultPage || page->size() >= kPage;
    const bool mayFollow = total ? rows.size() < *total : isFull;
    if (!mayFollow) return rows;
    if (rows.size() == before) break;  // nothing new came
  }
  if (total || rows.size() >= kMaxRows) return unreadable("the list ended before its end");
  return rows;
}

Result<std::vector<store::NamedId>> Client::listNames(const Call& call, const std::string& path,
                                                      const std::string& key,
                                                      const std::string& name) {
  const auto rows = listRows(call, path, key);
  if (!rows) return rows.error();
  std::vector<store::NamedId> names;
  for (const json::Value& row : *rows) {
    const std::string* text = row[name].asString();
    if (text == nullptr) return unreadable("a row has no name");
    names.push_back({*readId(row["id"]), *text});
  }
  return names;
}

Result<std::vector<store::NamedId>> Client::listTags(const Call& call) {
  return listNames(call, "tags", "tags", "tag");
}

Result<std::vector<store::NamedId>> Client::listAutomations(const Call& call) {
  return listNames(call, "automations", "automations", "name");
}

Result<std::vector<store::NamedId>> Client::listLists(const Call& call) {
  return listNames(call, "lists", "lists", "name");
}

Result<std::vector<store::FieldRecord>> Client::listFields(const Call& call) {
  const auto rows = listRows(call, "fields", "fields");
  if (!rows) return rows.error();
  std::vector<store::FieldRecord> fields;
  for (const json::Value& row : *rows) {
    const std::string* perstag = row["perstag"].asString();
    if (perstag == nullptr) return unreadable("a field has no personalization tag");
    fields.push_back({*readId(row["id"]), upperCased(*perstag), row["title"].textOr("")});
  }
  return fields;
}

Result<TagId> Client::createTag(const Call& call, const std::string& name) {
  Request request{"POST", "tags", {}, {}, {name}};
  request.body = wrapped("tag", {{"tag", name}, {"tagType", "contact"}, {"description", ""}});
  const Result<Reply> reply = exchange_.ask(call, request);
  if (reply) {
    const auto id = readId(reply->body["tag"]["id"]);
    if (!id) return unreadable("the new tag has no id");
    return *id;
  }
  if (reply.error().code != Code::kConflict) return reply.error();
  const auto tags = listTags(call);
  if (!tags) return tags.error();
  for (const store::NamedId& tag : *tags) {
    if (tag.name == name) return tag.id;
  }
  return reply.error();
}

Result<FieldId> Client::createTextField(const Call& call, const std::string& perstag,
                                        const std::string& description) {
  Request request{"POST", "fields", {}, {}, {}};
  request.body = wrapped("field", {{"type", "text"},
                                   {"title", perstag},
                                   {"descript", description},
                                   {"perstag", perstag},
                                   {"visible", 1}});
  const Result<Reply> reply = exchange_.ask(call, request);
  std::optional<FieldId> id;
  if (reply) {
    id = readId(reply->body["field"]["id"]);
    if (!id) return unreadable("the new field has no id");
  } else if (reply.error().code != Code::kConflict) {
    return reply.error();
  } else {
    const auto fields = listFields(call);
    if (!fields) return fields.error();
    for (const store::FieldRecord& field : *fields) {
      if (field.perstag == upperCased(perstag)) id = field.id;
    }
    if (!id) return reply.error();
  }
  if (const Outcome related = relateField(call, *id); !related) return related.error();
  return *id;
}

// Without a relation the field is not shown in ActiveCampaign's pages.
Outcome Client::relateField(const Call& call, FieldId field) {
  Request request{"POST", "fieldRels"};
  request.body = wrapped("fieldRel", {{"field", text(field)}, {"relid", "0"}});
  const Result<Reply> reply = exchange_.ask(call, request);
  if (reply || reply.error().code == Code::kConflict) return Done{};
  return reply.error();
}

Result<ApiUser> Client::whoAmI(const Call& call) {
  Request request{"GET", "users/me"};
  request.repeatable = true;
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) return reply.error();
  const json::Value& user = reply->body["user"];
  const std::string* name = user["username"].asString();
  if (name == nullptr) return unreadable("the answer holds no user");
  ApiUser who{*name, user["localZoneid"].textOr(""), {}};
  if (reply->date) who.ahead = *reply->date - reply->sentAt;
  return who;
}

Result<bool> Client::isFieldShown(const Call& call, FieldId field) {
  const auto rows = listRows(call, "fields", "fields");
  if (!rows) return rows.error();
  for (const json::Value& row : *rows) {
    if (readId(row["id"]) != field) continue;
    const json::Array* relations = row["relations"].asArray();
    return relations != nullptr && !relations->empty();
  }
  return Error{Code::kNotFound, "there is no such field"};
}

}  // namespace mbr::activecampaign
