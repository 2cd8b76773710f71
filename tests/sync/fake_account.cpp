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

HttpAnswer answer(int status, json::Object body) {
  HttpAnswer out;
  out.status = status;
  out.body = json::write(json::Value(std::move(body)));
  return out;
}

HttpAnswer missing(const std::string& what) {
  return answer(404, {{"message", "No Result found for " + what}});
}

bool startsWith(const std::string& line, const std::string& start) {
  return line.compare(0, start.size(), start) == 0;
}

std::int64_t idIn(const json::Value& value) { return parseId(value.textOr("")).value_or(0); }

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

void FakeAccount::forget() {
  const std::lock_guard lock(mutex_);
  log_.clear();
}

std::vector<std::string> FakeAccount::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
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
  std::function<void()> happens;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(happenings_.begin(), happenings_.end(),
                                    [&](const auto& each) { return startsWith(line, each.first); });
    if (found != happenings_.end()) {
      happens = std::move(found->second);
      happenings_.erase(found);
    }
  }
  if (happens) happens();

  const std::lock_guard lock(mutex_);
  ++requests_;
  log_.push_back(line);
  const bool failing = failFrom_ != 0 && requests_ >= failFrom_;
  if (failing && fault_ == Fault::kRequestLost) return Error{Code::kUnavailable, "no connection"};
  const auto overriding = std::find_if(overrides_.begin(), overrides_.end(), [&](const auto& each) {
    return startsWith(line, each.start);
  });
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
  if (first == "contacts" && rest.empty()) return readByEmail(call.query.front().second);
  if (first == "contacts" && people.count(id) == 0) return missing("Subscriber with id " + rest);
  if (first == "contacts" && part == "contactTags") {
    return answer(200, {{"contactTags", tagRows(id)}});
  }
  if (first == "contacts" && part == "contactAutomations") {
    json::Array rows;
    for (const Entry& entry : people[id].entries) {
      rows.push_back(json::Object{{"id", text(entry.id)},
                                  {"automation", text(entry.automation)},
                                  {"adddate", formatRfc3339(entry.at)}});
    }
    return answer(200, {{"contactAutomations", std::move(rows)}});
  }
  if (first == "contacts") return readOne(id);
  if (first == "contactTags" && call.method == "POST") return addTag(body["contactTag"]);
  if (first == "contactTags" && call.method == "DELETE") {
    for (auto& [contact, person] : people) person.tags.erase(id);
    return answer(200, {});
  }
  if (first == "contactAutomations") return enter(body["contactAutomation"]);
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
  if (first == "lists") return listNames("lists", "name", {});
  if (first == "fields") return listNames("fields", "perstag", fields);
  return answer(404, {{"message", "No route found"}});
}

HttpAnswer FakeAccount::readOne(ContactId id) {
  json::Object root{{"contactTags", tagRows(id)},
                    {"contactLists", json::Array{}},
                    {"fieldValues", valueRows(id)}};
  show(root, id);
  return answer(200, std::move(root));
}

HttpAnswer FakeAccount::readByEmail(const std::string& email) {
  json::Array contacts;
  json::Array tagList;
  json::Array values;
  for (const auto& [id, person] : people) {
    if (person.email != email) continue;
    json::Object one;
    show(one, id);
    contacts.push_back(*one.find("contact"));
    for (json::Value& row : tagRows(id)) tagList.push_back(std::move(row));
    for (json::Value& row : valueRows(id)) values.push_back(std::move(row));
  }
  const std::string total = std::to_string(contacts.size());
  return answer(200, {{"contacts", std::move(contacts)},
                      {"contactTags", std::move(tagList)},
                      {"contactLists", json::Array{}},
                      {"fieldValues", std::move(values)},
                      {"meta", json::Object{{"total", total}}}});
}

HttpAnswer FakeAccount::writeContact(ContactId id, const json::Value& body) {
  const auto found = people.find(id);
  if (found == people.end()) return missing("Subscriber with id " + text(id));
  if (const json::Array* rows = body["fieldValues"].asArray()) {
    for (const json::Value& row : *rows) {
      const std::string value = row["value"].textOr("");
      found->second.fields[idIn(row["field"])] = value;
      written_.push_back(value);
    }
  }
  json::Object root;
  if (echo) root.set("fieldValues", valueRows(id));
  show(root, id);
  return answer(200, std::move(root));
}

HttpAnswer FakeAccount::addTag(const json::Value& body) {
  const ContactId contact = idIn(body["contact"]);
  const TagId tag = idIn(body["tag"]);
  if (shown_.count(contact) == 0) stepBefore_ = true;
  const auto found = people.find(contact);
  if (found == people.end()) return missing("Subscriber with id " + text(contact));
  if (tags.count(tag) == 0) return missing("Tag with id " + text(tag));
  for (const auto& [association, there] : found->second.tags) {
    if (there == tag) return answer(201, {{"contactTag", json::Object{{"id", text(association)}}}});
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
                                   {"lastName", ""},
                                   {"phone", ""},
                                   {"cdate", "2023-01-01T00:00:00-05:00"},
                                   {"udate", "2023-01-01T00:00:00-05:00"}});
}

json::Array FakeAccount::tagRows(ContactId id) const {
  json::Array rows;
  for (const auto& [association, tag] : people.at(id).tags) {
    rows.push_back(
        json::Object{{"id", text(association)}, {"contact", text(id)}, {"tag", text(tag)}});
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
