#include "ledger_file.h"

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "json_in.h"
#include "json_out.h"

namespace acsim {
namespace {

void putTexts(JsonOut& out, const char* name, const std::vector<std::string>& texts) {
  out.key(name).openArray();
  for (const std::string& each : texts) out.text(each);
  out.closeArray();
}

void putContact(JsonOut& out, const Contact& c) {
  out.open().put("kind", "contact").put("id", c.id).put("email", c.email).put("phone", c.phone);
  out.put("first", c.firstName).put("last", c.lastName).put("hash", c.hash);
  out.put("created", c.created).put("updated", c.updated).put("timestamp", c.timestamp);
  out.key("fields").openArray();
  for (const auto& [field, v] : c.fields) {
    out.open().put("id", v.id).put("field", field).put("value", v.value);
    out.put("created", v.created).put("updated", v.updated).close();
  }
  out.closeArray().key("tags").openArray();
  for (const TagLink& l : c.tags) {
    out.open().put("id", l.id).put("tag", l.tag).put("created", l.created).close();
  }
  out.closeArray().key("lists").openArray();
  for (const ListLink& l : c.lists) {
    out.open().put("id", l.id).put("list", l.list).put("status", l.status);
    out.put("since", l.since).put("updated", l.updated).close();
  }
  out.closeArray().key("entries").openArray();
  for (const Entry& e : c.entries) {
    out.open().put("id", e.id).put("automation", e.automation).put("since", e.since).close();
  }
  out.closeArray().key("history").openArray();
  for (const Change& h : c.history) {
    out.open().put("at", h.at).put("field", h.field).put("value", h.value).put("by", h.by).close();
  }
  out.closeArray().close();
}

void putField(JsonOut& out, const Field& f) {
  out.open().put("kind", "field").put("id", f.id).put("title", f.title);
  out.put("description", f.description).put("type", f.type).put("perstag", f.perstag);
  out.put("standard", f.standard).putBool("visible", f.visible).put("order", f.order);
  out.put("created", f.created).key("relations").openArray();
  for (const Relation& r : f.relations) {
    out.open().put("id", r.id).put("list", r.list).put("created", r.created).close();
  }
  out.closeArray().close();
}

void putWebhook(JsonOut& out, const Webhook& w) {
  out.open().put("kind", "webhook").put("id", w.id).put("name", w.name).put("url", w.url);
  out.put("list", w.list).put("created", w.created).putBool("active", w.active);
  putTexts(out, "events", w.events);
  putTexts(out, "sources", w.sources);
  out.close();
}

void putBatch(JsonOut& out, const Batch& b) {
  out.open().put("kind", "batch").put("id", b.id).put("body", b.body).put("contacts", b.contacts);
  out.put("queued", b.queued).put("due", b.due).putBool("done", b.done);
  putTexts(out, "success", b.success);
  putTexts(out, "failure", b.failure);
  out.close();
}

template <class Row, class Read>
std::vector<Row> rows(const JsonObject& o, const char* name, Read read) {
  std::vector<Row> found;
  const JsonArray array = items(o, name);
  for (std::size_t i = 0; i < array->size(); ++i) {
    found.push_back(read(array->getObject(static_cast<unsigned>(i))));
  }
  return found;
}

Contact contactFrom(const JsonObject& o) {
  Contact c;
  c.id = integer(o, "id");
  c.email = text(o, "email");
  c.phone = text(o, "phone");
  c.firstName = text(o, "first");
  c.lastName = text(o, "last");
  c.hash = text(o, "hash");
  c.created = integer(o, "created");
  c.updated = integer(o, "updated");
  c.timestamp = integer(o, "timestamp");
  const JsonArray values = items(o, "fields");
  for (std::size_t i = 0; i < values->size(); ++i) {
    const JsonObject v = values->getObject(static_cast<unsigned>(i));
    c.fields[integer(v, "field")] = {integer(v, "id"), text(v, "value"), integer(v, "created"),
                                     integer(v, "updated")};
  }
  c.tags = rows<TagLink>(o, "tags", [](const JsonObject& l) {
    return TagLink{integer(l, "id"), integer(l, "tag"), integer(l, "created")};
  });
  c.lists = rows<ListLink>(o, "lists", [](const JsonObject& l) {
    return ListLink{integer(l, "id"), integer(l, "list"), static_cast<int>(integer(l, "status")),
                    integer(l, "since"), integer(l, "updated")};
  });
  c.entries = rows<Entry>(o, "entries", [](const JsonObject& e) {
    return Entry{integer(e, "id"), integer(e, "automation"), integer(e, "since")};
  });
  c.history = rows<Change>(o, "history", [](const JsonObject& h) {
    return Change{integer(h, "at"), text(h, "field"), text(h, "value"), text(h, "by")};
  });
  return c;
}

Field fieldFrom(const JsonObject& o) {
  Field f{integer(o, "id"),       text(o, "title"),
          text(o, "description"), text(o, "type"),
          text(o, "perstag"),     text(o, "standard"),
          truth(o, "visible"),    integer(o, "order"),
          integer(o, "created"),  {}};
  f.relations = rows<Relation>(o, "relations", [](const JsonObject& r) {
    return Relation{integer(r, "id"), integer(r, "list"), integer(r, "created")};
  });
  return f;
}

void readLine(Ledger& ledger, const JsonObject& o) {
  const std::string kind = text(o, "kind");
  const Id id = integer(o, "id");
  if (kind == "contact") {
    ledger.contacts[id] = contactFrom(o);
  } else if (kind == "tag") {
    ledger.tags[id] = {
        id, text(o, "name"), text(o, "type"), text(o, "description"), integer(o, "created"), 0};
  } else if (kind == "field") {
    ledger.fields[id] = fieldFrom(o);
  } else if (kind == "automation") {
    ledger.automations[id] = {id, text(o, "name"), truth(o, "active"), integer(o, "entered")};
  } else if (kind == "list") {
    ledger.lists[id] = {id, text(o, "name")};
  } else if (kind == "webhook") {
    ledger.webhooks[id] = {id,
                           text(o, "name"),
                           text(o, "url"),
                           texts(o, "events"),
                           texts(o, "sources"),
                           integer(o, "list"),
                           integer(o, "created"),
                           truth(o, "active")};
  } else if (kind == "batch") {
    ledger.batches.push_back({text(o, "id"), text(o, "body"), integer(o, "contacts"),
                              integer(o, "queued"), integer(o, "due"), truth(o, "done"),
                              texts(o, "success"), texts(o, "failure")});
  } else if (kind == "last") {
    ledger.lastIds[text(o, "of")] = id;
  } else {
    throw std::runtime_error("state file: unknown kind '" + kind + "'");
  }
}

}  // namespace

std::string writeLedger(const Ledger& ledger) {
  std::string file;
  const auto line = [&file](auto write) {
    JsonOut out;
    write(out);
    file += out.str();
    file += '\n';
  };
  for (const auto& [kind, id] : ledger.lastIds) {
    line([&](JsonOut& out) {
      out.open().put("kind", "last").put("of", kind).put("id", id).close();
    });
  }
  for (const auto& [id, t] : ledger.tags) {
    line([&](JsonOut& out) {
      out.open().put("kind", "tag").put("id", t.id).put("name", t.name).put("type", t.type);
      out.put("description", t.description).put("created", t.created).close();
    });
  }
  for (const auto& [id, a] : ledger.automations) {
    line([&](JsonOut& out) {
      out.open().put("kind", "automation").put("id", a.id).put("name", a.name);
      out.putBool("active", a.active).put("entered", a.entered).close();
    });
  }
  for (const auto& [id, l] : ledger.lists) {
    line([&](JsonOut& out) {
      out.open().put("kind", "list").put("id", l.id).put("name", l.name).close();
    });
  }
  for (const auto& [id, f] : ledger.fields) line([&](JsonOut& out) { putField(out, f); });
  for (const auto& [id, w] : ledger.webhooks) line([&](JsonOut& out) { putWebhook(out, w); });
  for (const Batch& b : ledger.batches) line([&](JsonOut& out) { putBatch(out, b); });
  for (const auto& [id, c] : ledger.contacts) line([&](JsonOut& out) { putContact(out, c); });
  return file;
}

bool readLedger(Ledger& ledger, const std::string& path) {
  std::ifstream file(path);
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    const JsonObject object = parseObject(line);
    if (!object) throw std::runtime_error("state file: a line is not a JSON object: " + path);
    readLine(ledger, object);
  }
  ledger.index();
  return true;
}

bool replaceFile(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.good() && std::rename(fresh.c_str(), path.c_str()) == 0;
}

}  // namespace acsim
