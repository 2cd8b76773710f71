#include "control.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "flood.h"
#include "render.h"
#include "webhook_body.h"

namespace acsim {
namespace {

Answer bad(const std::string& why) { return message(400, why); }

Answer done() { return json(200, R"({"ok":true})"); }

// cdate and udate may be set to date a contact back.
void setStamps(Contact& contact, const JsonObject& body) {
  if (const auto created = parseStamp(text(body, "cdate"))) contact.created = *created;
  if (const auto updated = parseStamp(text(body, "udate"))) {
    contact.updated = contact.timestamp = *updated;
  }
}

// True if anything named in `body` was written.
bool setPerson(Ledger& ledger, Contact& contact, const JsonObject& body) {
  bool any = false;
  const auto assign = [&](const char* key, std::string& member) {
    if (!has(body, key)) return;
    member = text(body, key);
    any = true;
  };
  assign("first_name", contact.firstName);
  assign("last_name", contact.lastName);
  assign("phone", contact.phone);
  if (const JsonObject fields = child(body, "fields")) {
    for (const std::string& perstag : fields->getNames()) {
      ledger.setField(contact, ledger.fieldNamed(perstag).id, text(fields, perstag), "sim");
      any = true;
    }
  }
  if (any) ledger.touch(contact);
  return any;
}

Answer addContacts(World& world, const Request& request) {
  JsonArray rows = parseArray(request.body);
  if (!rows) rows = items(parseObject(request.body), "contacts");
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (!validEmail(text(rows->getObject(static_cast<unsigned>(i)), "email"))) {
      return bad("contact " + std::to_string(i) + " has no valid email; nothing was added");
    }
  }
  return world.account.with(true, [&](Ledger& ledger) {
    JsonOut out;
    out.open().key("ids").openArray();
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const JsonObject row = rows->getObject(static_cast<unsigned>(i));
      const std::string email = text(row, "email");
      Contact* known = ledger.contactByEmail(email);
      Contact& contact = known != nullptr ? *known : ledger.createContact(email, "sim");
      setPerson(ledger, contact, row);
      for (const std::string& tag : texts(row, "tags")) {
        ledger.addTag(contact, ledger.tagNamed(tag).id, "sim");
      }
      for (const std::string& list : texts(row, "lists")) {
        if (ledger.lists.count(toId(list)) != 0) ledger.setList(contact, toId(list), 1);
      }
      setStamps(contact, row);
      if (truth(row, "hook")) ledger.announce("subscribe", contact, "admin");
      out.text(std::to_string(contact.id));
    }
    return json(200, out.closeArray().close().take());
  });
}

// PREFIX-00001@example.com and so on, all alike, whose ids are neighbours.
Answer addMany(World& world, const Request& request) {
  const JsonObject body = parseObject(request.body);
  const std::int64_t count = integer(body, "count");
  const std::string prefix = text(body, "prefix", "member");
  if (count < 1 || count > 1000000) return bad("count is not 1 to 1000000");
  return world.account.with(true, [&](Ledger& ledger) {
    const auto address = [&](std::int64_t number) {
      char digits[24];
      std::snprintf(digits, sizeof digits, "-%05ld", static_cast<long>(number));
      return prefix + digits + "@example.com";
    };
    for (std::int64_t number = 1; number <= count; ++number) {
      const std::string email = address(number);
      if (!validEmail(email) || ledger.contactByEmail(email) != nullptr) {
        return bad(email + " is not valid or taken; nothing was added");
      }
    }
    std::vector<Id> tags;
    for (const std::string& tag : texts(body, "tags")) tags.push_back(ledger.tagNamed(tag).id);
    Id last = 0;
    for (std::int64_t number = 1; number <= count; ++number) {
      Contact& contact = ledger.createContact(address(number), "sim");
      contact.firstName = prefix + " " + std::to_string(number);
      setPerson(ledger, contact, body);
      for (const Id tag : tags) ledger.addTag(contact, tag, "sim");
      setStamps(contact, body);
      last = contact.id;
    }
    JsonOut out;
    out.open().put("first", last - count + 1).put("last", last);
    return json(200, out.close().take());
  });
}

void touchTags(Ledger& ledger, Contact& contact, const JsonObject& body, bool hook) {
  for (const std::string& name : texts(body, "tags_add")) {
    bool added = false;
    ledger.addTag(contact, ledger.tagNamed(name).id, "sim", &added);
    if (added && hook) ledger.announce("contact_tag_added", contact, "admin", name);
  }
  for (const std::string& name : texts(body, "tags_remove")) {
    const Tag* tag = ledger.tagByName(name);
    for (const TagLink& link : std::vector<TagLink>(contact.tags)) {
      if (tag == nullptr || link.tag != tag->id) continue;
      ledger.removeTagLink(contact, link.id, "sim");
      if (hook) ledger.announce("contact_tag_removed", contact, "admin", name);
    }
  }
}

// A change made in ActiveCampaign's own pages, with or without its webhooks.
Answer touchContact(Ledger& ledger, Contact& contact, const JsonObject& body) {
  const bool hook = truth(body, "hook");
  const auto email = optionalText(body, "email");
  if (email) {
    const Contact* holder = ledger.contactByEmail(*email);
    if (!validEmail(*email) || (holder != nullptr && holder != &contact)) {
      return bad("email is not valid or taken");
    }
    ledger.setEmail(contact, *email, "sim");
    ledger.touch(contact);
  }
  const bool wrote = setPerson(ledger, contact, body);
  const bool tagsOnly = has(body, "tags_add") || has(body, "tags_remove");
  if (!wrote && !email && !tagsOnly) ledger.touch(contact);
  setStamps(contact, body);
  if (hook && (wrote || email || !tagsOnly)) ledger.announce("update", contact, "admin");
  touchTags(ledger, contact, body, hook);
  setStamps(contact, body);
  return done();
}

Answer onContact(World& world, const Request& request) {
  const std::string action = request.parts[2];
  const JsonObject body = parseObject(request.body.empty() ? "{}" : request.body);
  if (!body) return bad("the body is not a JSON object");
  return world.account.with(true, [&](Ledger& ledger) {
    Contact* contact = ledger.contact(toId(request.parts[1]));
    if (contact == nullptr) return noResult("contact", toId(request.parts[1]));
    if (action == "touch") return touchContact(ledger, *contact, body);
    if (action == "delete") {
      ledger.removeContact(contact->id);
      return done();
    }
    if (action != "merge") return notFound();
    Contact* into = ledger.contact(toId(text(body, "into")));
    if (into == nullptr || into == contact) return bad("into is not another contact");
    ledger.merge(*contact, *into);
    return done();
  });
}

std::vector<Id> floodedIds(const Ledger& ledger, const JsonObject& body) {
  std::vector<Id> ids;
  if (items(body, "contacts")->size() > 0) {
    for (const std::string& id : texts(body, "contacts")) ids.push_back(toId(id));
    return ids;
  }
  const std::int64_t first = integer(body, "contacts");
  for (const auto& [id, contact] : ledger.contacts) {
    if (static_cast<std::int64_t>(ids.size()) >= first) break;
    ids.push_back(id);
  }
  return ids;
}

Answer flood(World& world, const Request& request) {
  const JsonObject body = parseObject(request.body);
  Flood wanted;
  wanted.url = text(body, "url");
  wanted.rate = real(body, "rate");
  wanted.times = integer(body, "times", 1);
  const std::string dialect = text(body, "dialect", "automation");
  if (wanted.url.compare(0, 7, "http://") != 0) return bad("url is not an http:// address");
  if (dialect != "automation" && dialect != "event") return bad("dialect is automation or event");
  const std::string missing = world.account.with(false, [&](Ledger& ledger) -> std::string {
    for (const Id id : floodedIds(ledger, body)) {
      const Contact* contact = ledger.contact(id);
      if (contact == nullptr) return std::to_string(id);
      wanted.bodies.push_back(
          dialect == "event"
              ? eventBody(ledger, *contact, {text(body, "type", "update"), "admin", "", 0})
              : automationBody(ledger, *contact, text(body, "seriesid", "1")));
    }
    return "";
  });
  if (!missing.empty()) return bad("there is no contact " + missing);
  const FloodResult result = run(wanted, world.stopper.stopping);
  JsonOut out;
  out.open().put("sent", result.sent).key("answers").open();
  for (const auto& [status, count] : result.answers) {
    out.put(status == 0 ? "error" : std::to_string(status), count);
  }
  return json(200, out.close().put("elapsed_ms", result.elapsedMs).close().take());
}

void stateOf(JsonOut& out, const Ledger& ledger, const Contact& c) {
  out.putId("id", c.id).put("email", c.email).put("first_name", c.firstName);
  out.put("last_name", c.lastName).put("phone", c.phone).put("udate", centralStamp(c.updated));
  out.key("fields").open();
  for (const auto& [field, value] : c.fields) out.put(ledger.fields.at(field).perstag, value.value);
  out.close();
  putRows(out, "tags", c.tags, [&](const TagLink& link) {
    out.putId("id", link.tag).put("name", ledger.tags.at(link.tag).name);
  });
  putRows(out, "lists", c.lists,
          [&](const ListLink& link) { out.putId("id", link.list).putId("status", link.status); });
  putIds(out, "automations", c.entries, [](const Entry& entry) { return entry.automation; });
  putRows(out, "history", c.history, [&](const Change& change) {
    out.put("t", change.at).put("field", change.field).put("value", change.value);
    out.put("by", change.by);
  });
}

void directories(JsonOut& out, const Ledger& ledger) {
  putRows(out, "tags", ledger.tags,
          [&](const auto& row) { out.putId("id", row.first).put("name", row.second.name); });
  putRows(out, "fields", ledger.fields, [&](const auto& row) {
    out.putId("id", row.first).put("title", row.second.title).put("perstag", row.second.perstag);
    out.put("type", row.second.type);
    putIds(out, "relations", row.second.relations, [](const Relation& r) { return r.list; });
  });
  putRows(out, "automations", ledger.automations, [&](const auto& row) {
    out.putId("id", row.first).put("name", row.second.name);
    out.put("status", row.second.active ? "1" : "2").put("entered", row.second.entered);
  });
  putRows(out, "lists", ledger.lists,
          [&](const auto& row) { out.putId("id", row.first).put("name", row.second.name); });
  putRows(out, "webhooks", ledger.webhooks, [&](const auto& row) {
    out.putId("id", row.first).put("name", row.second.name).put("url", row.second.url);
    out.putBool("active", row.second.active);
    out.key("events").openArray();
    for (const std::string& event : row.second.events) out.text(event);
    out.closeArray().key("sources").openArray();
    for (const std::string& source : row.second.sources) out.text(source);
    out.closeArray();
  });
}

Answer state(World& world, const Query& query) {
  return world.account.with(false, [&](Ledger& ledger) {
    JsonOut out;
    out.open().key("contacts").openArray();
    const auto put = [&](const Contact& contact) {
      out.open();
      stateOf(out, ledger, contact);
      out.close();
    };
    if (query.find("id") || query.find("email")) {
      const Contact* one = query.find("id") ? ledger.contact(toId(query.get("id")))
                                            : ledger.contactByEmail(query.get("email"));
      if (one != nullptr) put(*one);
    } else {
      for (const auto& [id, contact] : ledger.contacts) put(contact);
    }
    out.closeArray();
    directories(out, ledger);
    return json(200, out.close().take());
  });
}

// [id, email, first_name, {PERSTAG: value}, [tag id]] of each contact.
Answer digest(World& world, const Query& query) {
  return world.account.with(false, [&](Ledger& ledger) {
    long left = query.number("limit", 1000000);
    JsonOut out;
    out.openArray();
    auto at = ledger.contacts.upper_bound(query.number("after", 0));
    for (; at != ledger.contacts.end() && left > 0; ++at, --left) {
      const Contact& contact = at->second;
      out.openArray().text(std::to_string(contact.id)).text(contact.email).text(contact.firstName);
      out.open();
      for (const auto& [field, value] : contact.fields) {
        out.put(ledger.fields.at(field).perstag, value.value);
      }
      out.close().openArray();
      for (const TagLink& link : contact.tags) out.text(std::to_string(link.tag));
      out.closeArray().closeArray();
    }
    return json(200, out.closeArray().take());
  });
}

Answer faults(World& world, const Request& request) {
  const auto match = request.query.find("match");
  if (request.method == "DELETE" && match) {
    world.faults.clear(*match);
  } else if (request.method == "DELETE") {
    world.faults.clear();
  } else if (request.method == "POST") {
    const JsonObject body = parseObject(request.body);
    if (!world.faults.add(body)) return bad("neither a fault nor a switch");
  }
  const Switches switches = world.faults.switches();
  world.limit.setForeign(switches.foreignRate);
  world.account.with(false, [&](Ledger& ledger) { ledger.importRules = switches.imports; });
  return json(200, world.faults.list());
}

Answer hooks(World& world, const Request& request) {
  if (request.method == "POST") world.hooks.set(parseObject(request.body));
  return json(200, world.hooks.report());
}

}  // namespace

Answer answerControl(World& world, const Request& request) {
  const std::string what = request.parts.empty() ? "" : request.parts[0];
  const bool post = request.method == "POST";
  const bool get = request.method == "GET";
  if (what == "contacts" && post && request.parts.size() == 1) return addContacts(world, request);
  if (what == "contacts" && post && request.parts.size() == 3) return onContact(world, request);
  if (what == "bulk" && post) return addMany(world, request);
  if (what == "digest" && get) return digest(world, request.query);
  if (what == "flood" && post) return flood(world, request);
  if (what == "faults") return faults(world, request);
  if (what == "hooks") return hooks(world, request);
  if (what == "state" && get) return state(world, request.query);
  if (what == "log" && get) {
    return json(200, world.log.after(request.query.number("after", 0),
                                     request.query.number("limit", 1000000)));
  }
  return notFound();
}

}  // namespace acsim
