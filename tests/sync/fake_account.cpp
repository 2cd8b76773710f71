#include "sync/fake_account.h"

#include <algorithm>
#include <utility>

#include "base/time_format.h"

namespace mbr::test {
namespace {

using activecampaign::HttpAnswer;
using activecampaign::HttpCall;

constexpr FieldId kPassword = 3;

std::string text(std::int64_t id) { return std::to_string(id); }

// As ActiveCampaign writes times: whole seconds, with an offset.
std::string stamp(Instant at) {
  constexpr std::chrono::hours kOffset{5};
  return formatRfc3339(at - kOffset).substr(0, 19) + "-05:00";
}

HttpAnswer answer(int status, json::Object body) {
  HttpAnswer out;
  out.status = status;
  out.body = json::write(json::Value(std::move(body)));
  return out;
}

HttpAnswer missing(const std::string& what) {
  return answer(404, {{"message", "No Result found for " + what}});
}

HttpAnswer duplicate() {
  return answer(
      422,
      {{"errors", json::Array{json::Object{{"title", "Email address already exists in the system"},
                                           {"code", "duplicate"}}}}});
}

HttpAnswer noSuchField() {
  return answer(400,
                {{"errors", json::Array{json::Object{{"title", "The related field does not exist."},
                                                     {"code", "related_missing"}}}}});
}

void assign(FakeAccount::Person& person, const json::Value& body) {
  const auto take = [&](const char* name, std::string& member) {
    if (const std::string* value = body[name].asString()) member = *value;
  };
  take("email", person.email);
  take("firstName", person.firstName);
  take("lastName", person.lastName);
  take("phone", person.phone);
}

bool startsWith(const std::string& line, const std::string& start) {
  return line.compare(0, start.size(), start) == 0;
}

std::int64_t idIn(const json::Value& value) { return parseId(value.textOr("")).value_or(0); }

std::string withQuery(const std::string& line, const HttpCall& call) {
  std::string out = line;
  for (const auto& [name, value] : call.query) {
    out += (out.size() == line.size() ? '?' : '&') + name + '=' + value;
  }
  return out;
}

std::optional<std::string> queryOf(const HttpCall& call, const std::string& name) {
  for (const auto& [each, value] : call.query) {
    if (each == name) return value;
  }
  return std::nullopt;
}

std::string withEntities(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

class FakeAccount::Line final : public activecampaign::Transport {
 public:
  explicit Line(FakeAccount& account) : account_(account) {}
  Result<HttpAnswer> send(const HttpCall& call) override { return account_.take(call); }

 private:
  FakeAccount& account_;
};

FakeAccount::FakeAccount(FakeClock& clock) : clock_(clock) {}

std::unique_ptr<activecampaign::Transport> FakeAccount::connect() {
  return std::make_unique<Line>(*this);
}

void FakeAccount::failFrom(int nth, Fault fault) {
  const std::lock_guard lock(mutex_);
  failFrom_ = requests_ + nth;
  fault_ = fault;
}

void FakeAccount::heal() {
  const std::lock_guard lock(mutex_);
  failFrom_ = 0;
}

void FakeAccount::answerOnce(std::string start, int status, std::string body,
                             std::string retryAfter) {
  const std::lock_guard lock(mutex_);
  overrides_.push_back({std::move(start), status, std::move(body), std::move(retryAfter)});
}

void FakeAccount::before(std::string start, std::function<void()> happens) {
  const std::lock_guard lock(mutex_);
  happenings_.emplace_back(std::move(start), std::move(happens));
}

std::vector<std::string> FakeAccount::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

int FakeAccount::count(const std::string& start) const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(
      log_.begin(), log_.end(), [&](const std::string& line) { return startsWith(line, start); }));
}

std::vector<std::string> FakeAccount::asked(const std::string& start) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const std::string& line : asked_) {
    if (startsWith(line, start)) found.push_back(line);
  }
  return found;
}

void FakeAccount::forget() {
  const std::lock_guard lock(mutex_);
  log_.clear();
  asked_.clear();
}

std::vector<std::string> FakeAccount::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::set<std::string> FakeAccount::passwordsOf(ContactId contact) const {
  const std::lock_guard lock(mutex_);
  const auto found = passwords_.find(contact);
  return found == passwords_.end() ? std::set<std::string>{} : found->second;
}

bool FakeAccount::stepBeforePassword() const {
  const std::lock_guard lock(mutex_);
  return stepBefore_;
}

Result<HttpAnswer> FakeAccount::take(const HttpCall& call) {
  clock_.advance(Milliseconds{5});
  const auto token = call.takeToken();
  if (!token) return token.error();
  const std::string line = call.method + " " + call.path;
  const std::string whole = withQuery(line, call);
  const auto isMeant = [&](const std::string& start) {
    return startsWith(line, start) || startsWith(whole, start);
  };
  std::function<void()> happens;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(happenings_.begin(), happenings_.end(),
                                    [&](const auto& each) { return isMeant(each.first); });
    if (found != happenings_.end()) {
      happens = std::move(found->second);
      happenings_.erase(found);
    }
  }
  if (happens) happens();

  const std::lock_guard lock(mutex_);
  ++requests_;
  log_.push_back(line);
  asked_.push_back(whole);
  runImports();
  const bool failing = failFrom_ != 0 && requests_ >= failFrom_;
  if (failing && fault_ == Fault::kRequestLost) return Error{Code::kUnavailable, "no connection"};
  const auto overriding = std::find_if(overrides_.begin(), overrides_.end(),
                                       [&](const auto& each) { return isMeant(each.start); });
  HttpAnswer out;
  showing_.clear();
  if (overriding != overrides_.end()) {
    out.status = overriding->status;
    out.body = overriding->body;
    out.retryAfter = overriding->retryAfter;
    overrides_.erase(overriding);
  } else {
    out = serve(call);
  }
  if (failing) return Error{Code::kUnavailable, "cut short"};
  shown_.insert(showing_.begin(), showing_.end());
  out.sentAt = *token;
  return out;
}

HttpAnswer FakeAccount::serve(const HttpCall& call) {
  const auto slash = call.path.find('/');
  const std::string first = call.path.substr(0, slash);
  std::string rest = slash == std::string::npos ? "" : call.path.substr(slash + 1);
  const auto second = rest.find('/');
  const std::string part = second == std::string::npos ? "" : rest.substr(second + 1);
  rest = rest.substr(0, second);
  const std::int64_t id = parseId(rest).value_or(0);
  auto parsed = call.body.empty() ? Result<json::Value>(json::Value()) : json::parse(call.body);
  const json::Value body = parsed ? *parsed : json::Value();

  if (first == "contacts" && call.method == "PUT") return writeContact(id, body["contact"]);
  if (first == "contacts" && call.method == "POST") return createContact(body["contact"]);
  if (first == "contacts" && rest.empty()) {
    const auto email = queryOf(call, "email");
    return email ? readByEmail(*email) : readPage(call);
  }
  if (first == "contacts" && people.count(id) == 0) return missing("Subscriber with id " + rest);
  if (first == "contacts" && part == "contactTags") {
    return answer(200, {{"contactTags", tagRows(id)}});
  }
  if (first == "contacts" && part == "contactAutomations") {
    json::Array rows;
    for (const Entry& entry : people[id].entries) {
      rows.push_back(json::Object{{"id", text(entry.id)},
                                  {"automation", text(entry.automation)},
                                  {"completed", entry.ended ? 1 : 0},
                                  {"adddate", formatRfc3339(entry.at)}});
    }
    return answer(200, {{"contactAutomations", std::move(rows)}});
  }
  if (first == "contacts" && part == "fieldValues") {
    return answer(200, {{"fieldValues", valueRows(id)}});
  }
  if (first == "contacts" && part == "contactLists") {
    return answer(200, {{"contactLists", listRows(id)}});
  }
  if (first == "contacts") return readOne(id);
  if (first == "import" && call.method == "POST") return queueImport(body["contacts"]);
  if (first == "import") return importInfo(queryOf(call, "batchId").value_or(""));
  if (first == "contactTags" && call.method == "POST") return addTag(body["contactTag"]);
  if (first == "contactTags" && call.method == "DELETE") {
    for (auto& [contact, person] : people) person.tags.erase(id);
    return answer(200, {});
  }
  if (first == "contactAutomations" && call.method == "DELETE") return leave(id);
  if (first == "contactAutomations") return enter(body["contactAutomation"]);
  if (first == "contactLists") return setList(body["contactList"]);
  if (first == "tags" && call.method == "POST") {
    const std::string name = body["tag"]["tag"].textOr("");
    tags[++lastId_] = name;
    return answer(201, {{"tag", json::Object{{"id", text(lastId_)}, {"tag", name}}}});
  }
  if (first == "fields" && call.method == "POST") {
    fields[kPassword] = body["field"]["perstag"].textOr("");
    return answer(201, {{"field", json::Object{{"id", text(kPassword)}}}});
  }
  if (first == "fieldRels") return answer(201, {{"fieldRel", json::Object{{"id", "1"}}}});
  if (first == "tags") return listNames("tags", "tag", tags);
  if (first == "automations") return listNames("automations", "name", automations);
  if (first == "lists") return listNames("lists", "name", lists);
  if (first == "fields") return listNames("fields", "perstag", fields);
  return answer(404, {{"message", "No route found"}});
}

HttpAnswer FakeAccount::readOne(ContactId id) {
  json::Object root{{"contactLists", listRows(id)}, {"fieldValues", valueRows(id)}};
  if (include) root.set("contactTags", tagRows(id));
  show(root, id);
  return answer(200, std::move(root));
}

HttpAnswer FakeAccount::readByEmail(const std::string& email) {
  std::vector<ContactId> ids;
  for (const auto& [id, person] : people) {
    if (person.email == email) ids.push_back(id);
  }
  return listed(ids, ids.size());
}

HttpAnswer FakeAccount::readPage(const HttpCall& call) {
  std::set<ContactId> wanted;
  for (const auto& [name, value] : call.query) {
    if (name == "ids[]") wanted.insert(parseId(value).value_or(0));
  }
  const ContactId after = parseId(queryOf(call, "id_greater").value_or("")).value_or(0);
  const auto limit = static_cast<std::size_t>(parseId(queryOf(call, "limit").value_or("")).value());
  auto since = parseIso8601(queryOf(call, "filters[updated_after]").value_or(""));
  if (since && filterByDay) {
    *since -= since->time_since_epoch() % std::chrono::hours{24} + Milliseconds{1};
  }
  std::vector<ContactId> ids;
  for (const auto& [id, person] : people) {
    if (id <= after || unlisted.count(id) > 0 || (since && person.updated <= *since)) continue;
    if (wanted.empty() || wanted.count(id) > 0) ids.push_back(id);
  }
  const std::size_t total = ids.size();
  if (total > limit) ids.resize(limit);
  return listed(ids, total);
}

HttpAnswer FakeAccount::listed(const std::vector<ContactId>& ids, std::size_t total) {
  json::Array contacts;
  json::Array tagList;
  json::Array values;
  json::Array memberships;
  for (const ContactId id : ids) {
    json::Object one;
    show(one, id);
    contacts.push_back(*one.find("contact"));
    if (!include) continue;
    for (json::Value& row : tagRows(id)) tagList.push_back(std::move(row));
    for (json::Value& row : valueRows(id)) values.push_back(std::move(row));
    for (json::Value& row : listRows(id)) memberships.push_back(std::move(row));
  }
  json::Object root{{"contacts", std::move(contacts)},
                    {"meta", json::Object{{"total", std::to_string(total)}}}};
  if (include) {
    root.set("contactTags", std::move(tagList));
    root.set("contactLists", std::move(memberships));
    root.set("fieldValues", std::move(values));
  }
  return answer(200, std::move(root));
}

HttpAnswer FakeAccount::queueImport(const json::Value& rows) {
  const json::Array* all = rows.asArray();
  if (all == nullptr) return answer(400, {{"success", 0}, {"message", "no contacts"}});
  for (const json::Value& row : *all) {
    const auto contact = findByEmail(row["email"].textOr(""));
    if (row["tags"].asArray() != nullptr && (!contact || shown_.count(*contact) == 0)) {
      stepBefore_ = true;
    }
  }
  const std::string batch = "batch-" + std::to_string(imports_.size() + 1);
  Import import;
  import.queuedAt = clock_.now();
  import.rows = rows;
  imports_[batch] = std::move(import);
  return answer(200, {{"Success", 1},
                      {"queued_contacts", static_cast<std::int64_t>(all->size())},
                      {"batchId", batch},
                      {"message", "Contact import queued"}});
}

HttpAnswer FakeAccount::importInfo(const std::string& batch) const {
  const auto found = imports_.find(batch);
  if (found == imports_.end()) return missing("batch");
  if (!found->second.happened || !importsEnd) return answer(200, {{"status", "active"}});
  return answer(200, {{"status", "completed"},
                      {"success", found->second.success},
                      {"failure", found->second.failure}});
}

void FakeAccount::runImports() {
  for (auto& each : imports_) {
    Import& import = each.second;
    if (import.happened || !importTakes || clock_.now() < import.queuedAt + *importTakes) continue;
    import.happened = true;
    runImport(import);
  }
}

void FakeAccount::runImport(Import& import) {
  for (const json::Value& row : *import.rows.asArray()) {
    const std::string email = row["email"].textOr("");
    if (skipped.count(email) > 0) {
      import.failure.push_back(email);
      continue;
    }
    auto contact = findByEmail(email);
    if (!contact) {
      contact = ++lastId_;
      people[*contact].email = email;
    }
    import.success.push_back(text(*contact));
    if (const json::Array* values = row["fields"].asArray()) {
      for (const json::Value& value : *values) {
        give(*contact, idIn(value["id"]), value["value"].textOr(""));
      }
    }
    if (const json::Array* names = row["tags"].asArray()) {
      for (const json::Value& name : *names) {
        auto tag = std::find_if(tags.begin(), tags.end(),
                                [&](const auto& known) { return known.second == name.textOr(""); });
        if (tag == tags.end()) tag = tags.emplace(++lastId_, name.textOr("")).first;
        giveTag(*contact, tag->first);
      }
    }
  }
}

std::optional<ContactId> FakeAccount::findByEmail(const std::string& email) const {
  for (const auto& [id, person] : people) {
    if (person.email == email) return id;
  }
  return std::nullopt;
}

void FakeAccount::give(ContactId contact, FieldId field, const std::string& value) {
  people[contact].fields[field] = value;
  written_.push_back(value);
  if (field == kPassword) passwords_[contact].insert(value);
}

void FakeAccount::giveTag(ContactId contact, TagId tag) {
  auto& there = people[contact].tags;
  const bool known =
      std::any_of(there.begin(), there.end(), [&](const auto& each) { return each.second == tag; });
  if (!known) there[++lastId_] = tag;
}

HttpAnswer FakeAccount::writeContact(ContactId id, const json::Value& body) {
  const auto found = people.find(id);
  if (found == people.end()) return missing("Subscriber with id " + text(id));
  if (const std::string* email = body["email"].asString()) {
    const auto holder = findByEmail(*email);
    if (holder && *holder != id) return duplicate();
  }
  if (!knowsFields(body)) return noSuchField();
  assign(found->second, body);
  if (const json::Array* rows = body["fieldValues"].asArray()) {
    for (const json::Value& row : *rows) {
      give(id, idIn(row["field"]), row["value"].textOr(""));
    }
  }
  json::Object root;
  if (echo) root.set("fieldValues", valueRows(id));
  show(root, id);
  return answer(200, std::move(root));
}

HttpAnswer FakeAccount::createContact(const json::Value& body) {
  if (findByEmail(body["email"].textOr(""))) return duplicate();
  if (!knowsFields(body)) return noSuchField();
  const ContactId id = ++lastId_;
  people[id].created = people[id].updated = clock_.now();
  HttpAnswer made = writeContact(id, body);
  made.status = 201;
  return made;
}

bool FakeAccount::knowsFields(const json::Value& body) const {
  const json::Array* rows = body["fieldValues"].asArray();
  return rows == nullptr || std::all_of(rows->begin(), rows->end(), [&](const json::Value& row) {
           return fields.count(idIn(row["field"])) > 0;
         });
}

HttpAnswer FakeAccount::setList(const json::Value& body) {
  const auto found = people.find(idIn(body["contact"]));
  const ListId list = idIn(body["list"]);
  if (found == people.end() || lists.count(list) == 0) {
    return answer(
        400, {{"errors", json::Array{json::Object{{"title", "The related list does not exist."},
                                                  {"code", "related_missing"}}}}});
  }
  int status = body["status"].textOr("1") == "2" ? 2 : 1;
  auto& there = found->second.lists;
  const bool left = there.count(list) > 0 && there[list] == 2;
  if (left && status == 1 && body["sourceid"].textOr("") != "4") status = 2;
  there[list] = status;
  return answer(201, {{"contactList", json::Object{{"id", "1"}, {"status", status}}}});
}

HttpAnswer FakeAccount::leave(std::int64_t entry) {
  for (auto& [id, person] : people) {
    const auto found = std::find_if(person.entries.begin(), person.entries.end(),
                                    [&](const Entry& each) { return each.id == entry; });
    if (found == person.entries.end()) continue;
    person.entries.erase(found);
    return answer(200, {});
  }
  HttpAnswer gone = missing("SubscriberSeries with id " + text(entry));
  gone.status = 403;
  return gone;
}

HttpAnswer FakeAccount::addTag(const json::Value& body) {
  const ContactId contact = idIn(body["contact"]);
  const TagId tag = idIn(body["tag"]);
  if (shown_.count(contact) == 0) stepBefore_ = true;
  const auto found = people.find(contact);
  if (found == people.end()) return missing("Subscriber with id " + text(contact));
  if (tags.count(tag) == 0) return missing("Tag with id " + text(tag));
  for (const auto& [association, there] : found->second.tags) {
    if (there == tag) return answer(200, {{"contactTag", json::Object{{"id", text(association)}}}});
  }
  found->second.tags[++lastId_] = tag;
  return answer(201, {{"contactTag", json::Object{{"id", text(lastId_)}}}});
}

HttpAnswer FakeAccount::enter(const json::Value& body) {
  const ContactId contact = idIn(body["contact"]);
  const AutomationId automation = idIn(body["automation"]);
  if (shown_.count(contact) == 0) stepBefore_ = true;
  const auto found = people.find(contact);
  if (found == people.end()) return missing("Subscriber with id " + text(contact));
  if (closed.count(automation) > 0 || automations.count(automation) == 0) {
    return answer(403, {{"message", "Could not create SubscriberSeries"}});
  }
  found->second.entries.push_back({++lastId_, automation, clock_.now()});
  return answer(201, {{"contactAutomation", json::Object{{"id", text(lastId_)}}}});
}

HttpAnswer FakeAccount::listNames(const std::string& key, const std::string& name,
                                  const std::map<std::int64_t, std::string>& rows) {
  json::Array list;
  for (const auto& [id, value] : rows) {
    list.push_back(json::Object{{"id", text(id)}, {name, value}, {"title", value}});
  }
  return answer(200, {{key, std::move(list)},
                      {"meta", json::Object{{"total", std::to_string(rows.size())}}}});
}

void FakeAccount::show(json::Object& root, ContactId id) {
  const Person& person = people[id];
  root.set("contact", json::Object{{"id", text(id)},
                                   {"email", person.email},
                                   {"firstName", person.firstName},
                                   {"lastName", person.lastName},
                                   {"phone", person.phone},
                                   {"cdate", stamp(person.created)},
                                   {"udate", stamp(person.updated)}});
}

json::Array FakeAccount::tagRows(ContactId id) const {
  json::Array rows;
  for (const auto& [association, tag] : people.at(id).tags) {
    rows.push_back(
        json::Object{{"id", text(association)}, {"contact", text(id)}, {"tag", text(tag)}});
  }
  return rows;
}

json::Array FakeAccount::listRows(ContactId id) const {
  json::Array rows;
  for (const auto& [list, status] : people.at(id).lists) {
    rows.push_back(json::Object{{"id", text(list * 100000 + id)},
                                {"contact", text(id)},
                                {"list", text(list)},
                                {"status", text(status)}});
  }
  return rows;
}

json::Array FakeAccount::valueRows(ContactId id) {
  json::Array rows;
  for (const auto& [field, value] : people[id].fields) {
    rows.push_back(json::Object{{"id", text(field * 100000 + id)},
                                {"contact", text(id)},
                                {"field", text(field)},
                                {"value", entities ? withEntities(value) : value}});
    if (field == kPassword && !value.empty()) showing_.insert(id);
  }
  return rows;
}

}  // namespace mbr::test
