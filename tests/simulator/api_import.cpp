#include "api_import.h"

#include <Poco/UUIDGenerator.h>

#include <algorithm>

#include "api.h"
#include "render.h"

namespace acsim {
namespace {

constexpr std::size_t kMaxContacts = 250;
constexpr std::size_t kMaxBytes = 400000;

bool importContact(Ledger& ledger, const JsonObject& row, Batch& batch) {
  const std::string email = text(row, "email");
  if (!validEmail(email) || ledger.importRules.failing.count(lower(email)) != 0) {
    batch.failure.push_back(email);
    return false;
  }
  Contact* known = ledger.contactByEmail(email);
  Contact& contact = known != nullptr ? *known : ledger.createContact(email, "import");
  contact.firstName = text(row, "first_name", contact.firstName);
  contact.lastName = text(row, "last_name", contact.lastName);
  contact.phone = text(row, "phone", contact.phone);
  ledger.touch(contact);
  const JsonArray fields = items(row, "fields");
  for (std::size_t i = 0; i < fields->size() && !ledger.importRules.withoutFields; ++i) {
    const JsonObject field = fields->getObject(static_cast<unsigned>(i));
    const Id id = toId(text(field, "id"));
    if (ledger.fields.count(id) != 0) ledger.setField(contact, id, text(field, "value"), "import");
  }
  for (const std::string& tag : texts(row, "tags")) {
    ledger.addTag(contact, ledger.tagNamed(tag).id, "import");
  }
  for (const auto& [key, status] : {std::pair("subscribe", 1), std::pair("unsubscribe", 2)}) {
    const JsonArray lists = items(row, key);
    for (std::size_t i = 0; i < lists->size(); ++i) {
      const Id list = toId(text(lists->getObject(static_cast<unsigned>(i)), "listid"));
      if (ledger.lists.count(list) != 0) ledger.setList(contact, list, status);
    }
  }
  batch.success.push_back(std::to_string(contact.id));
  return true;
}

Answer html(Answer answer) {
  answer.type = "text/html; charset=UTF-8";
  return answer;
}

Answer refuse(const std::string& why) {
  JsonOut out;
  out.open().put("success", 0).put("message", why).key("failureReasons").openArray().text(why);
  return html(json(400, out.closeArray().close().take()));
}

Answer queue(const Call& call) {
  Ledger& ledger = call.ledger;
  const long recent =
      std::count_if(ledger.batches.begin(), ledger.batches.end(),
                    [&](const Batch& batch) { return ledger.now - batch.queued < 60 * 1000; });
  if (call.switches.importsPerMinute > 0 && recent >= call.switches.importsPerMinute) {
    return refuse("Request limit exceeded: " + std::to_string(call.switches.importsPerMinute) +
                  " requests per minute");
  }
  const JsonArray contacts = items(parseObject(call.request.body), "contacts");
  if (contacts->size() == 0) return refuse("No contacts to import");
  if (contacts->size() > kMaxContacts) return refuse("Too many contacts: at most 250");
  if (call.request.body.size() > kMaxBytes)
    return refuse("The request is larger than 400000 bytes");
  Batch batch;
  batch.id = Poco::UUIDGenerator::defaultGenerator().createRandom().toString();
  batch.body = call.request.body;
  batch.contacts = static_cast<long>(contacts->size());
  batch.queued = ledger.now;
  batch.due = ledger.now + call.switches.importDelayMs;
  JsonOut out;
  out.open().put("success", 1).put("queued_contacts", batch.contacts).put("batchId", batch.id);
  out.put("message", "Contact import queued").close();
  ledger.batches.push_back(std::move(batch));
  return html(json(200, out.take()));
}

Answer info(const Call& call) {
  const std::string wanted = call.request.query.get("batchId");
  for (const Batch& batch : call.ledger.batches) {
    if (batch.id != wanted) continue;
    JsonOut out;
    const auto putTexts = [&](const char* name, const std::vector<std::string>& texts) {
      out.key(name).openArray();
      for (const std::string& each : texts) out.text(each);
      out.closeArray();
    };
    out.open().put("status", batch.done ? "completed" : "active");
    putTexts("success", batch.success);
    putTexts("failure", batch.failure);
    return json(200, out.close().take());
  }
  return message(404, "No Result found for batch with id " + wanted);
}

// One row a day, with its batches and contacts as strings.
void putDays(JsonOut& out, const char* name, const std::vector<Batch>& batches, bool done) {
  std::map<std::string, std::pair<long, long>> days;
  for (const Batch& batch : batches) {
    if (batch.done != done) continue;
    auto& [count, contacts] = days[centralDate(batch.queued)];
    ++count;
    contacts += batch.contacts;
  }
  putRows(out, name, days, [&](const auto& day) {
    out.put("forDate", day.first).putId("batches", day.second.first);
    out.putId("contacts", day.second.second);
  });
}

Answer overview(const Call& call) {
  JsonOut out;
  out.open();
  putDays(out, "outstanding", call.ledger.batches, false);
  putDays(out, "recentlyCompleted", call.ledger.batches, true);
  return json(200, out.close().take());
}

}  // namespace

bool applyDueImports(Ledger& ledger) {
  if (ledger.importRules.stuck) return false;
  const Ms now = ledger.now;
  bool any = false;
  for (Batch& batch : ledger.batches) {
    if (batch.done || batch.due > now) continue;
    ledger.now = batch.due;
    const JsonArray contacts = items(parseObject(batch.body), "contacts");
    for (std::size_t i = 0; i < contacts->size(); ++i) {
      importContact(ledger, contacts->getObject(static_cast<unsigned>(i)), batch);
    }
    batch.done = any = true;
    batch.body.clear();
  }
  ledger.now = now;
  return any;
}

Answer importRoute(const Call& call) {
  const std::string which = call.depth() == 2 ? call.request.parts[1] : "";
  if (which == "info" && call.method() == "GET") return info(call);
  if (which != "bulk_import") return notFound();
  if (call.method() == "POST") return queue(call);
  return call.method() == "GET" ? overview(call) : notAllowed();
}

}  // namespace acsim
