#include <algorithm>

#include "api.h"
#include "render.h"

namespace acsim {
namespace {

Answer listEntries(const Call& call) {
  struct Row {
    Id contact;
    const Entry* entry;
  };
  std::vector<Row> all;
  for (const auto& [id, contact] : call.ledger.contacts) {
    for (const Entry& entry : contact.entries) all.push_back({id, &entry});
  }
  std::vector<const Row*> rows;
  for (const Row& row : all) rows.push_back(&row);
  JsonOut out;
  out.open();
  putPage(out, "contactAutomations", rows, pageOf(call.request.query),
          [&](const Row& row) { entryKeys(out, row.contact, *row.entry, call.base()); });
  return json(200, out.close().take());
}

// Every call enters the contact once more: the real thing is not idempotent either.
Answer postEntry(const Call& call) {
  const JsonObject body = call.body("contactAutomation");
  Contact* contact = call.ledger.contact(toId(text(body, "contact")));
  const auto automation = call.ledger.automations.find(toId(text(body, "automation")));
  if (contact == nullptr || automation == call.ledger.automations.end() ||
      !automation->second.active) {
    return message(403, "Could not create SubscriberSeries");
  }
  const Entry entry = call.ledger.enter(*contact, automation->first, "api");
  JsonOut out;
  out.open();
  putContacts(out, *contact, call.base());
  out.key("contactAutomation").open();
  putEcho(out, "contact", body, "contact");
  out.putId("seriesid", entry.automation).put("startid", 0).put("status", 1);
  out.put("lastblock", "4").put("completedElements", "1").put("totalElements", "2");
  out.put("completed", 0).put("completeValue", 50);
  putLinks(out, call.base(), "contactAutomations/" + std::to_string(entry.id),
           "automation contact contactGoals");
  out.putId("id", entry.id).putId("automation", entry.automation);
  return json(201, out.close().close().take());
}

}  // namespace

Answer automationsRoute(const Call& call) {
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open();
  if (call.depth() == 1) {
    putPage(out, "automations", pointers(call.ledger.automations), pageOf(call.request.query),
            [&](const Automation& row) { automationKeys(out, row, call.base()); });
    return json(200, out.close().take());
  }
  const auto automation = call.ledger.automations.find(call.id());
  if (automation == call.ledger.automations.end()) return noResult("Series", call.id());
  out.key("automation").open();
  automationKeys(out, automation->second, call.base());
  return json(200, out.close().close().take());
}

Answer contactAutomationsRoute(const Call& call) {
  if (call.depth() == 1 && call.method() == "GET") return listEntries(call);
  if (call.depth() == 1 && call.method() == "POST") return postEntry(call);
  if (call.depth() == 1) return notAllowed();
  const auto owner = call.ledger.entryOwner.find(call.id());
  Contact* contact =
      owner == call.ledger.entryOwner.end() ? nullptr : call.ledger.contact(owner->second);
  const bool removing = call.method() == "DELETE";
  if (contact == nullptr) {
    Answer answer = noResult("SubscriberSeries", call.id());
    if (removing) answer.status = 403;
    return answer;
  }
  const auto entry = std::find_if(contact->entries.begin(), contact->entries.end(),
                                  [&](const Entry& each) { return each.id == call.id(); });
  if (removing) {
    contact->entries.erase(entry);
    call.ledger.entryOwner.erase(call.id());
    return json(200, "{}");
  }
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open().key("contactAutomation").open();
  entryKeys(out, contact->id, *entry, call.base());
  return json(200, out.close().close().take());
}

}  // namespace acsim
