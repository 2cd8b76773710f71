#include <algorithm>
#include <set>

#include "api.h"
#include "render.h"

namespace acsim {
namespace {

// Which rows a request wants beside the contacts.
struct Include {
  bool tagLinks = false, tags = false, values = false, lists = false;

  explicit Include(const Call& call) {
    if (call.switches.noInclude) return;
    for (const std::string& each : split(call.request.query.get("include"), ',')) {
      if (each == "contactTags" || each == "contactTags.tag") tagLinks = true;
      if (each == "contactTags.tag") tags = true;
      if (each == "fieldValues" || each == "fieldValues.field") values = true;
      if (each == "contactLists") lists = true;
    }
  }
};

using Contacts = std::vector<const Contact*>;

void putTagLinks(JsonOut& out, const Contacts& contacts, const std::string& base) {
  out.key("contactTags").openArray();
  for (const Contact* contact : contacts) {
    for (const TagLink& link : contact->tags) {
      out.open();
      tagLinkKeys(out, contact->id, link, base);
      out.close();
    }
  }
  out.closeArray();
}

void putTagsOf(JsonOut& out, const Contacts& contacts, const Call& call) {
  std::set<Id> ids;
  for (const Contact* contact : contacts) {
    for (const TagLink& link : contact->tags) ids.insert(link.tag);
  }
  putRows(out, "tags", ids, [&](Id id) { tagKeys(out, call.ledger.tags.at(id), call.base()); });
}

void putValues(JsonOut& out, const Contacts& contacts, const std::string& base) {
  out.key("fieldValues").openArray();
  for (const Contact* contact : contacts) {
    for (const auto& [field, value] : contact->fields) {
      out.open();
      valueKeys(out, contact->id, field, value, base);
      out.close();
    }
  }
  out.closeArray();
}

void putListLinks(JsonOut& out, const Contacts& contacts, const std::string& base) {
  out.key("contactLists").openArray();
  for (const Contact* contact : contacts) {
    for (const ListLink& link : contact->lists) {
      out.open();
      listLinkKeys(out, contact->id, link, base);
      out.close();
    }
  }
  out.closeArray();
}

void putTagLinkIds(JsonOut& out, const Contact& contact) {
  putIds(out, "contactTags", contact.tags, [](const TagLink& link) { return link.id; });
}

void putValueIds(JsonOut& out, const Contact& contact) {
  putIds(out, "fieldValues", contact.fields, [](const auto& row) { return row.second.id; });
}

void putListLinkIds(JsonOut& out, const Contact& contact) {
  putIds(out, "contactLists", contact.lists, [](const ListLink& link) { return link.id; });
}

// The filters of GET /contacts that this account knows; others are ignored.
class Filter {
 public:
  explicit Filter(const Call& call) {
    const Query& q = call.request.query;
    email_ = lower(q.get("email", q.get("filters[email]")));
    emailLike_ = lower(q.get("email_like"));
    search_ = lower(q.get("search"));
    phone_ = q.get("phone");
    tag_ = q.number("tagid", 0);
    list_ = q.number("listid", 0);
    status_ = q.number("status", -1);
    exclude_ = q.number("exclude", 0);
    automation_ = q.number("seriesid", 0);
    if (!call.switches.ignoreIdGreater) idGreater_ = q.number("id_greater", 0);
    idLess_ = q.number("id_less", 0);
    if (!call.switches.ignoreIds) {
      for (const std::string& value : q.all("ids")) {
        for (const std::string& id : split(value, ',')) ids_.insert(toId(id));
      }
    }
    dayPrecise_ = call.switches.dayPrecise;
    createdBefore_ = parseStamp(q.get("filters[created_before]"));
    createdAfter_ = parseStamp(q.get("filters[created_after]"));
    updatedBefore_ = parseStamp(q.get("filters[updated_before]"));
    if (!call.switches.ignoreUpdatedAfter) {
      updatedAfter_ = parseStamp(q.get("filters[updated_after]"));
    }
  }

  Contacts apply(Ledger& ledger) const {
    Contacts found;
    if (!ids_.empty()) {
      for (const Id id : ids_) consider(ledger.contact(id), found);
    } else if (!email_.empty()) {
      consider(ledger.contactByEmail(email_), found);
    } else {
      for (auto at = ledger.contacts.upper_bound(idGreater_); at != ledger.contacts.end(); ++at) {
        consider(&at->second, found);
      }
    }
    return found;
  }

 private:
  void consider(const Contact* contact, Contacts& found) const {
    if (contact != nullptr && holds(*contact)) found.push_back(contact);
  }

  bool holds(const Contact& c) const {
    if (!email_.empty() && lower(c.email) != email_) return false;
    if (!emailLike_.empty() && lower(c.email).find(emailLike_) == std::string::npos) return false;
    if (!search_.empty() &&
        lower(c.email + " " + c.firstName + " " + c.lastName).find(search_) == std::string::npos) {
      return false;
    }
    if (!phone_.empty() && c.phone.compare(0, phone_.size(), phone_) != 0) return false;
    if (c.id == exclude_ || c.id <= idGreater_ || (idLess_ != 0 && c.id >= idLess_)) return false;
    return holdsLinks(c) && holdsDates(c);
  }

  bool holdsLinks(const Contact& c) const {
    const auto any = [](const auto& rows, auto test) {
      return std::any_of(rows.begin(), rows.end(), test);
    };
    if (tag_ != 0 && !any(c.tags, [&](const TagLink& l) { return l.tag == tag_; })) return false;
    if (automation_ != 0 &&
        !any(c.entries, [&](const Entry& e) { return e.automation == automation_; })) {
      return false;
    }
    if (list_ == 0 && status_ == -1) return true;
    return any(c.lists, [&](const ListLink& l) {
      return (list_ == 0 || l.list == list_) && (status_ == -1 || l.status == status_);
    });
  }

  // Stamps have seconds only, so filters see nothing finer.
  bool holdsDates(const Contact& c) const {
    const Ms created = c.created / 1000 * 1000;
    const Ms updated = c.updated / 1000 * 1000;
    if (createdBefore_ && created >= *createdBefore_) return false;
    if (createdAfter_ && created <= *createdAfter_) return false;
    if (updatedBefore_ && updated >= *updatedBefore_) return false;
    if (!updatedAfter_) return true;
    if (dayPrecise_) return centralDate(updated) >= centralDate(*updatedAfter_);
    return updated > *updatedAfter_;
  }

  std::string email_, emailLike_, search_, phone_;
  long tag_, list_, status_, exclude_, automation_, idGreater_ = 0, idLess_;
  std::set<Id> ids_;
  bool dayPrecise_;
  std::optional<Ms> createdBefore_, createdAfter_, updatedBefore_, updatedAfter_;
};

void order(Contacts& contacts, const Query& query) {
  const auto by = [&](const char* name, auto key) {
    const auto wanted = query.find(std::string("orders[") + name + "]");
    if (!wanted) return;
    const bool down = lower(*wanted) == "desc";
    const auto before = [&](const Contact* a, const Contact* b) {
      return down ? key(*b) < key(*a) : key(*a) < key(*b);
    };
    // By id they mostly are in order already, and a large account is sorted for every page.
    if (std::is_sorted(contacts.begin(), contacts.end(), before)) return;
    std::stable_sort(contacts.begin(), contacts.end(), before);
  };
  by("id", [](const Contact& c) { return c.id; });
  by("cdate", [](const Contact& c) { return c.created; });
  by("email", [](const Contact& c) { return c.email; });
  by("first_name", [](const Contact& c) { return c.firstName; });
  by("last_name", [](const Contact& c) { return c.lastName; });
}

void putPageInput(JsonOut& out, const Query& query, const Page& page) {
  out.key("page_input").open();
  out.put("segmentid", query.number("segmentid", 0)).put("formid", query.number("formid", 0));
  out.put("listid", query.number("listid", 0)).put("tagid", query.number("tagid", 0));
  out.put("limit", static_cast<std::int64_t>(page.limit));
  out.put("offset", static_cast<std::int64_t>(page.offset));
  out.putNull("search").putNull("sort").put("seriesid", 0).put("waitid", 0);
  out.put("status", query.number("status", -1)).put("forceQuery", 0);
  out.put("cacheid", "0f3c9a2b7d5e41688a1b2c3d4e5f6071").close();
}

Answer listContacts(const Call& call) {
  Contacts all = Filter(call).apply(call.ledger);
  order(all, call.request.query);
  const Page page = pageOf(call.request.query);
  Contacts rows;
  for (std::size_t i = page.offset; i < all.size() && rows.size() < page.limit; ++i) {
    rows.push_back(all[i]);
  }
  const PageTrouble trouble = call.switches.page;
  if (trouble == PageTrouble::kHalf) rows.resize(rows.size() / 2);
  if (trouble == PageTrouble::kEmpty || trouble == PageTrouble::kEmptyAndZero) rows.clear();
  const std::size_t total = trouble == PageTrouble::kEmptyAndZero ? 0 : all.size();
  const Include include(call);
  JsonOut out;
  out.open().putEmpty("scoreValues");
  if (include.tagLinks) putTagLinks(out, rows, call.base());
  if (include.tags) putTagsOf(out, rows, call);
  if (include.values) putValues(out, rows, call.base());
  if (include.lists) putListLinks(out, rows, call.base());
  out.key("contacts").openArray();
  for (const Contact* contact : rows) {
    out.open();
    contactKeys(out, *contact, call.base(), contact->timestamp);
    out.putEmpty("scoreValues").putEmpty("accountContacts");
    if (include.tagLinks) putTagLinkIds(out, *contact);
    if (include.values) putValueIds(out, *contact);
    if (include.lists) putListLinkIds(out, *contact);
    out.close();
  }
  out.closeArray().key("meta").open().put("total", std::to_string(total));
  out.putBool("sortable", true);
  putPageInput(out, call.request.query, page);
  return json(200, out.close().close().take());
}

void putEntries(JsonOut& out, const Contact& contact, const std::string& base) {
  putRows(out, "contactAutomations", contact.entries,
          [&](const Entry& entry) { entryKeys(out, contact.id, entry, base); });
}

Answer getContact(const Call& call, const Contact& contact) {
  const Include include(call);
  const Contacts one{&contact};
  JsonOut out;
  out.open();
  putEntries(out, contact, call.base());
  putListLinks(out, one, call.base());
  out.putEmpty("deals");
  putValues(out, one, call.base());
  if (include.tagLinks) putTagLinks(out, one, call.base());
  if (include.tags) putTagsOf(out, one, call);
  out.putEmpty("geoAddresses").putEmpty("geoIps").putEmpty("accountContacts");
  out.key("contact").open();
  contactKeys(out, contact, call.base(), contact.timestamp);
  putIds(out, "contactAutomations", contact.entries, [](const Entry& e) { return e.id; });
  putListLinkIds(out, contact);
  putValueIds(out, contact);
  if (include.tagLinks) putTagLinkIds(out, contact);
  out.putEmpty("geoIps").putEmpty("deals").putEmpty("accountContacts").putNull("sentiment");
  return json(200, out.close().close().take());
}

Answer getPart(const Call& call, const Contact& contact) {
  const std::string part = call.sub();
  const Contacts one{&contact};
  JsonOut out;
  out.open();
  if (part == "contactTags") {
    putTagLinks(out, one, call.base());
  } else if (part == "fieldValues") {
    putValues(out, one, call.base());
  } else if (part == "contactLists") {
    putListLinks(out, one, call.base());
  } else if (part == "contactAutomations") {
    putEntries(out, contact, call.base());
  } else {
    return notFound();
  }
  return json(200, out.close().take());
}

const ErrorEntry kInvalidEmail{"Contact Email Address is not valid.", "", "email_invalid",
                               "must_be_valid_email_address", "/data/attributes/email"};
const ErrorEntry kDuplicateEmail{"Email address already exists in the system", "", "duplicate", "",
                                 "/data/attributes/email"};
const ErrorEntry kNoSuchField{"The related field does not exist.", "", "related_missing",
                              "field_not_exist", "/data/attributes/fieldValues"};

bool knowsFields(const Call& call, const JsonObject& body) {
  const JsonArray rows = items(body, "fieldValues");
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const JsonObject row = rows->getObject(static_cast<unsigned>(i));
    if (call.ledger.fields.count(toId(text(row, "field"))) == 0) return false;
  }
  return true;
}

// Writes what `body` names and returns the ids of the fields among it.
std::vector<Id> apply(const Call& call, Contact& contact, const JsonObject& body) {
  const auto assign = [&](const char* key, std::string& member) {
    if (const auto value = optionalText(body, key)) member = *value;
  };
  assign("firstName", contact.firstName);
  assign("lastName", contact.lastName);
  assign("phone", contact.phone);
  call.ledger.touch(contact);
  std::vector<Id> written;
  const JsonArray rows = items(body, "fieldValues");
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const JsonObject row = rows->getObject(static_cast<unsigned>(i));
    const Id field = toId(text(row, "field"));
    call.ledger.setField(contact, field, text(row, "value"), "api");
    written.push_back(field);
  }
  return written;
}

// Only the values that the request wrote are in the answer.
Answer written(const Call& call, int status, const Contact& contact, const std::vector<Id>& fields,
               Ms timestamp) {
  JsonOut out;
  out.open();
  if (!fields.empty()) {
    putRows(out, "fieldValues", fields, [&](Id field) {
      valueKeys(out, contact.id, field, contact.fields.at(field), call.base());
    });
  }
  out.key("contact").open();
  if (status == 201) {
    contactShortKeys(out, contact, call.base());
  } else {
    contactKeys(out, contact, call.base(), timestamp);
  }
  if (!fields.empty()) {
    putIds(out, "fieldValues", fields, [&](Id field) { return contact.fields.at(field).id; });
  }
  return json(status, out.close().close().take());
}

Answer create(const Call& call, const JsonObject& body, const std::string& email) {
  Contact& contact = call.ledger.createContact(email, "api");
  const std::vector<Id> fields = apply(call, contact, body);
  call.ledger.announce("subscribe", contact, "api");
  return written(call, 201, contact, fields, contact.timestamp);
}

// The answer shows the new udate beside the updated_timestamp of before.
Answer update(const Call& call, Contact& contact, const JsonObject& body) {
  const Ms before = contact.timestamp;
  const std::vector<Id> fields = apply(call, contact, body);
  call.ledger.announce("update", contact, "api");
  return written(call, 200, contact, fields, before);
}

Answer postContact(const Call& call) {
  const JsonObject body = call.body("contact");
  const std::string email = text(body, "email");
  if (!validEmail(email)) return errors(400, kInvalidEmail);
  if (!knowsFields(call, body)) return errors(400, kNoSuchField);
  if (call.ledger.contactByEmail(email) != nullptr) return errors(422, kDuplicateEmail);
  return create(call, body, email);
}

Answer putContact(const Call& call, Contact& contact) {
  const JsonObject body = call.body("contact");
  const auto email = optionalText(body, "email");
  if (email && !validEmail(*email)) return errors(400, kInvalidEmail);
  if (!knowsFields(call, body)) return errors(400, kNoSuchField);
  const Contact* holder = email ? call.ledger.contactByEmail(*email) : nullptr;
  if (holder != nullptr && holder != &contact) return errors(422, kDuplicateEmail);
  if (email && *email != contact.email) call.ledger.setEmail(contact, *email, "api");
  return update(call, contact, body);
}

}  // namespace

Answer contactsRoute(const Call& call) {
  if (call.depth() == 1) {
    if (call.method() == "GET") return listContacts(call);
    return call.method() == "POST" ? postContact(call) : notAllowed();
  }
  Contact* contact = call.ledger.contact(call.id());
  if (contact == nullptr) {
    if (call.method() != "DELETE") return noResult("Subscriber", call.id());
    return message(404, "No result found for contact with id " + std::to_string(call.id()));
  }
  if (call.depth() == 3 && call.method() == "GET") return getPart(call, *contact);
  if (call.depth() != 2) return notFound();
  if (call.method() == "GET") return getContact(call, *contact);
  if (call.method() == "PUT") return putContact(call, *contact);
  if (call.method() != "DELETE") return notAllowed();
  call.ledger.removeContact(contact->id);
  return json(200, "{}");
}

Answer syncRoute(const Call& call) {
  if (call.depth() != 2 || call.request.parts[1] != "sync") return notFound();
  if (call.method() != "POST") return notAllowed();
  const JsonObject body = call.body("contact");
  const std::string email = text(body, "email");
  if (!validEmail(email)) return errors(400, kInvalidEmail);
  if (!knowsFields(call, body)) return errors(400, kNoSuchField);
  Contact* known = call.ledger.contactByEmail(email);
  return known == nullptr ? create(call, body, email) : update(call, *known, body);
}

}  // namespace acsim
