#include <algorithm>
#include <cctype>

#include "api.h"
#include "render.h"

namespace acsim {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// Without a tag of its own a field gets one from its title; taken ones are numbered.
std::string freePerstag(Ledger& ledger, const std::string& wanted, const std::string& title) {
  std::string tag = upper(wanted.empty() ? title : wanted);
  for (char& c : tag) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-') c = '_';
  }
  std::string free = tag;
  for (int n = 1; ledger.fieldByTag(free) != nullptr; ++n) free = tag + "_" + std::to_string(n);
  return free;
}

Answer listFields(const Call& call) {
  const auto wanted = call.request.query.find("filters[perstag]");
  std::vector<const Field*> rows;
  for (const auto& [id, field] : call.ledger.fields) {
    if (!wanted || field.perstag == upper(*wanted)) rows.push_back(&field);
  }
  JsonOut out;
  out.open().putEmpty("fieldOptions").key("fieldRels").openArray();
  for (const Field* field : rows) {
    for (const Relation& relation : field->relations) {
      out.open();
      relationKeys(out, field->id, relation);
      out.close();
    }
  }
  out.closeArray();
  const Page page = pageOf(call.request.query, 100);
  out.key("fields").openArray();
  for (std::size_t i = page.offset; i < rows.size() && i < page.offset + page.limit; ++i) {
    out.open();
    fieldKeys(out, *rows[i], call.base());
    out.close();
  }
  out.closeArray().key("meta").open().put("total", std::to_string(rows.size()));
  return json(200, out.putNull("selected").close().close().take());
}

Answer postField(const Call& call) {
  const JsonObject body = call.body("field");
  const std::string title = text(body, "title");
  if (title.empty()) {
    return errors(422, {"Missing attribute", "", "", "", "/data/attributes/title", 422});
  }
  for (const auto& [id, field] : call.ledger.fields) {
    if (lower(field.title) != lower(title)) continue;
    return errors(422, {"There is already a field with this title",
                        "There is already a field named '" + title + "' -- choose another name",
                        "duplicate", "", ""});
  }
  const std::string perstag = freePerstag(call.ledger, text(body, "perstag"), title);
  const Id id = call.ledger.nextId("field");
  Field& field = call.ledger.fields[id];
  field = {id,
           title,
           text(body, "descript"),
           text(body, "type", "text"),
           perstag,
           text(body, "defval"),
           integer(body, "visible", 1) != 0,
           integer(body, "ordernum", id),
           call.ledger.now,
           {}};
  JsonOut out;
  out.open().key("field").open();
  fieldKeys(out, field, call.base());
  return json(201, out.close().close().take());
}

Answer listRelations(const Call& call) {
  JsonOut out;
  out.open().key("fieldRels").openArray();
  long total = 0;
  for (const auto& [id, field] : call.ledger.fields) {
    for (const Relation& relation : field.relations) {
      out.open();
      relationKeys(out, id, relation);
      out.close();
      ++total;
    }
  }
  out.closeArray().key("meta").open().putId("total", total).close();
  return json(200, out.close().take());
}

struct Row {
  Id contact = 0, field = 0;
  const FieldValue* value = nullptr;
};

Row findValue(Ledger& ledger, Id id) {
  const auto owner = ledger.valueOwner.find(id);
  const Contact* contact =
      owner == ledger.valueOwner.end() ? nullptr : ledger.contact(owner->second);
  if (contact == nullptr) return {};
  for (const auto& [field, value] : contact->fields) {
    if (value.id == id) return {contact->id, field, &value};
  }
  return {};
}

Answer listValues(const Call& call) {
  const Query& query = call.request.query;
  const Id wantedField = query.number("filters[fieldid]", 0);
  const auto wantedValue = query.find("filters[val]");
  std::vector<Row> all;
  for (const auto& [id, contact] : call.ledger.contacts) {
    for (const auto& [field, value] : contact.fields) {
      if (wantedField != 0 && field != wantedField) continue;
      if (wantedValue && value.value != *wantedValue) continue;
      all.push_back({id, field, &value});
    }
  }
  std::vector<const Row*> rows;
  for (const Row& row : all) rows.push_back(&row);
  JsonOut out;
  out.open();
  putPage(out, "fieldValues", rows, pageOf(query),
          [&](const Row& row) { valueKeys(out, row.contact, row.field, *row.value, call.base()); });
  return json(200, out.close().take());
}

Answer writeValue(const Call& call, int status, Contact* contact, Id field) {
  const JsonObject body = call.body("fieldValue");
  if (contact == nullptr) return noResult("Subscriber", toId(text(body, "contact")));
  if (call.ledger.fields.count(field) == 0) return noResult("Field", field);
  const FieldValue value = call.ledger.setField(*contact, field, text(body, "value"), "api");
  call.ledger.announce("update", *contact, "api");
  JsonOut out;
  out.open();
  putContacts(out, *contact, call.base());
  out.key("fieldValue").open();
  if (has(body, "contact")) {
    putEcho(out, "contact", body, "contact");
  } else {
    out.putId("contact", contact->id);
  }
  if (has(body, "field")) {
    putEcho(out, "field", body, "field");
  } else {
    out.putId("field", field);
  }
  out.put("value", value.value).put("cdate", centralStamp(value.created));
  out.put("udate", centralStamp(value.updated));
  putLinks(out, call.base(), "fieldValues/" + std::to_string(value.id), "owner field");
  out.putId("owner", contact->id).putId("id", value.id);
  return json(status, out.close().close().take());
}

}  // namespace

Answer fieldsRoute(const Call& call) {
  if (call.depth() == 1 && call.method() == "GET") return listFields(call);
  if (call.depth() == 1 && call.method() == "POST") return postField(call);
  if (call.depth() == 1) return notAllowed();
  const auto field = call.ledger.fields.find(call.id());
  if (field == call.ledger.fields.end()) return noResult("Field", call.id());
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open().putEmpty("fieldOptions").key("field").open();
  fieldKeys(out, field->second, call.base());
  return json(200, out.close().close().take());
}

Answer fieldRelsRoute(const Call& call) {
  if (call.method() == "GET") return listRelations(call);
  if (call.method() != "POST") return notAllowed();
  const JsonObject body = call.body("fieldRel");
  const auto field = call.ledger.fields.find(toId(text(body, "field")));
  if (field == call.ledger.fields.end()) return noResult("Field", toId(text(body, "field")));
  const Relation relation{call.ledger.nextId("fieldRel"), toId(text(body, "relid")),
                          call.ledger.now};
  field->second.relations.push_back(relation);
  JsonOut out;
  out.open().key("fieldRel").open();
  putEcho(out, "relid", body, "relid");
  putEcho(out, "field", body, "field");
  out.put("cdate", centralStamp(relation.created)).putEmpty("links").putId("id", relation.id);
  return json(201, out.close().close().take());
}

Answer fieldValuesRoute(const Call& call) {
  if (call.depth() == 1) {
    if (call.method() == "GET") return listValues(call);
    if (call.method() != "POST") return notAllowed();
    const JsonObject body = call.body("fieldValue");
    return writeValue(call, 201, call.ledger.contact(toId(text(body, "contact"))),
                      toId(text(body, "field")));
  }
  const Row row = findValue(call.ledger, call.id());
  if (row.value == nullptr) return noResult("FieldValue", call.id());
  if (call.method() == "PUT") {
    return writeValue(call, 200, call.ledger.contact(row.contact), row.field);
  }
  if (call.method() != "GET") return notAllowed();
  JsonOut out;
  out.open().key("fieldValue").open();
  valueKeys(out, row.contact, row.field, *row.value, call.base());
  return json(200, out.close().close().take());
}

}  // namespace acsim
