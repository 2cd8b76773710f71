#include "api.h"
#include "render.h"

namespace acsim {
namespace {

void webhookKeys(JsonOut& out, const Webhook& hook) {
  const auto putTexts = [&](const char* name, const std::vector<std::string>& texts) {
    out.key(name).openArray();
    for (const std::string& each : texts) out.text(each);
    out.closeArray();
  };
  out.put("cdate", centralStamp(hook.created)).putId("listid", hook.list);
  out.put("name", hook.name).put("url", hook.url);
  putTexts("events", hook.events);
  putTexts("sources", hook.sources);
  out.putEmpty("links").putId("id", hook.id);
}

Answer one(int status, const Webhook& hook) {
  JsonOut out;
  out.open().key("webhook").open();
  webhookKeys(out, hook);
  return json(status, out.close().close().take());
}

Answer list(const Call& call) {
  const Query& query = call.request.query;
  std::vector<const Webhook*> rows;
  for (const auto& [id, hook] : call.ledger.webhooks) {
    if (hook.name != query.get("filters[name]", hook.name)) continue;
    if (hook.url != query.get("filters[url]", hook.url)) continue;
    if (hook.list != query.number("filters[listid]", hook.list)) continue;
    rows.push_back(&hook);
  }
  JsonOut out;
  out.open();
  putPage(out, "webhooks", rows, pageOf(query),
          [&](const Webhook& hook) { webhookKeys(out, hook); });
  return json(200, out.close().take());
}

void apply(Webhook& hook, const JsonObject& body) {
  hook.name = text(body, "name", hook.name);
  hook.url = text(body, "url", hook.url);
  if (has(body, "events")) hook.events = texts(body, "events");
  if (has(body, "sources")) hook.sources = texts(body, "sources");
  hook.list = integer(body, "listid", hook.list);
}

Answer create(const Call& call) {
  const JsonObject body = call.body("webhook");
  for (const char* key : {"name", "url", "events", "sources"}) {
    if (has(body, key)) continue;
    return errors(422,
                  {"Missing attribute", "", "", "", std::string("/data/attributes/") + key, 422});
  }
  // Nothing prevents two hooks with one URL.
  Webhook& hook = call.ledger.webhooks[call.ledger.nextId("webhook")];
  hook.id = call.ledger.lastIds["webhook"];
  hook.created = call.ledger.now;
  apply(hook, body);
  return one(201, hook);
}

}  // namespace

Answer webhooksRoute(const Call& call) {
  if (call.depth() == 1) {
    if (call.method() == "GET") return list(call);
    return call.method() == "POST" ? create(call) : notAllowed();
  }
  const auto hook = call.ledger.webhooks.find(call.id());
  if (hook == call.ledger.webhooks.end()) return noResult("Webhook", call.id());
  if (call.method() == "GET") return one(200, hook->second);
  if (call.method() == "PUT") {
    apply(hook->second, call.body("webhook"));
    return one(200, hook->second);
  }
  if (call.method() != "DELETE") return notAllowed();
  call.ledger.webhooks.erase(hook);
  return json(200, "{}");
}

Answer webhookEventsRoute(const Call& call) {
  if (call.depth() != 2 || call.request.parts[1] != "events") return notFound();
  if (call.method() != "GET") return notAllowed();
  static const std::string names =
      "bounce click contact_tag_added contact_tag_removed deal_add deal_note_add "
      "deal_pipeline_add deal_stage_add deal_task_add deal_task_complete deal_tasktype_add "
      "deal_update forward list_add open reply sent share sms_reply sms_sent sms_unsub subscribe "
      "subscriber_note unsubscribe update";
  const std::vector<std::string> events = split(names, ' ');
  JsonOut out;
  out.open().key("webhookEvents").openArray();
  for (const std::string& event : events) out.text(event);
  out.closeArray().key("meta").open().put("total", static_cast<std::int64_t>(events.size()));
  return json(200, out.close().close().take());
}

}  // namespace acsim
