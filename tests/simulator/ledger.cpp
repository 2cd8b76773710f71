#include "ledger.h"

#include <Poco/DigestEngine.h>
#include <Poco/MD5Engine.h>

#include <algorithm>
#include <cctype>

#include "web.h"
#include "webhook_body.h"

namespace acsim {
namespace {

std::string hashOf(Id id) {
  Poco::MD5Engine engine;
  engine.update("contact " + std::to_string(id));
  return Poco::DigestEngine::digestToHex(engine.digest());
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool contains(const std::vector<std::string>& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

template <class T>
T* findIn(std::map<Id, T>& all, Id id) {
  const auto found = all.find(id);
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace

void Ledger::seed() {
  for (const char* name : {"Member", "Gold", "Banned"}) tagNamed(name);
  for (int i = 1; i <= 10; ++i) {
    const Id id = nextId("automation");
    automations[id] = {id, "Automation " + std::to_string(i), i != 10, 0};
  }
  const Id list = nextId("list");
  lists[list] = {list, "Members"};
}

void Ledger::index() {
  byEmail_.clear();
  tagLinkOwner.clear();
  valueOwner.clear();
  entryOwner.clear();
  for (auto& [id, tag] : tags) tag.contacts = 0;
  for (const auto& [id, contact] : contacts) {
    byEmail_[lower(contact.email)] = id;
    for (const auto& [field, value] : contact.fields) valueOwner[value.id] = id;
    for (const Entry& entry : contact.entries) entryOwner[entry.id] = id;
    for (const TagLink& link : contact.tags) {
      tagLinkOwner[link.id] = id;
      ++tags[link.tag].contacts;
    }
  }
}

Contact* Ledger::contact(Id id) { return findIn(contacts, id); }

Contact* Ledger::contactByEmail(const std::string& email) {
  const auto found = byEmail_.find(lower(email));
  return found == byEmail_.end() ? nullptr : contact(found->second);
}

Field* Ledger::fieldByTag(const std::string& perstag) {
  const std::string wanted = upper(perstag);
  for (auto& [id, field] : fields) {
    if (field.perstag == wanted) return &field;
  }
  return nullptr;
}

Tag* Ledger::tagByName(const std::string& name) {
  for (auto& [id, tag] : tags) {
    if (tag.name == name) return &tag;
  }
  return nullptr;
}

Field& Ledger::fieldNamed(const std::string& perstag) {
  if (Field* known = fieldByTag(perstag)) return *known;
  const Id id = nextId("field");
  Field& field = fields[id];
  field.id = id;
  field.title = field.perstag = upper(perstag);
  field.type = "text";
  field.order = id;
  field.created = now;
  field.relations.push_back({nextId("fieldRel"), 0, now});
  return field;
}

Tag& Ledger::tagNamed(const std::string& name) {
  if (Tag* known = tagByName(name)) return *known;
  const Id id = nextId("tag");
  Tag& tag = tags[id];
  tag = {id, name, "contact", "", now, 0};
  return tag;
}

Contact& Ledger::createContact(const std::string& email, const std::string& by) {
  const Id id = nextId("contact");
  Contact& contact = contacts[id];
  contact.id = id;
  contact.hash = hashOf(id);
  contact.created = now;
  touch(contact);
  setEmail(contact, email, by);
  return contact;
}

void Ledger::removeContact(Id id) {
  const Contact* gone = contact(id);
  if (gone == nullptr) return;
  byEmail_.erase(lower(gone->email));
  for (const auto& [field, value] : gone->fields) valueOwner.erase(value.id);
  for (const Entry& entry : gone->entries) entryOwner.erase(entry.id);
  for (const TagLink& link : gone->tags) {
    tagLinkOwner.erase(link.id);
    --tags[link.tag].contacts;
  }
  contacts.erase(id);
}

void Ledger::touch(Contact& contact) { contact.updated = contact.timestamp = now; }

void Ledger::setEmail(Contact& contact, const std::string& email, const std::string& by) {
  byEmail_.erase(lower(contact.email));
  contact.email = email;
  byEmail_[lower(email)] = contact.id;
  contact.history.push_back({now, "email", email, by});
}

FieldValue& Ledger::setField(Contact& contact, Id field, const std::string& value,
                             const std::string& by) {
  FieldValue& row = contact.fields[field];
  if (row.id == 0) {
    row.id = nextId("fieldValue");
    row.created = now;
    valueOwner[row.id] = contact.id;
  }
  row.value = value;
  row.updated = now;
  touch(contact);
  contact.history.push_back({now, fields[field].perstag, value, by});
  return row;
}

TagLink& Ledger::addTag(Contact& contact, Id tag, const std::string& by, bool* added) {
  for (TagLink& link : contact.tags) {
    if (link.tag != tag) continue;
    if (added != nullptr) *added = false;
    return link;
  }
  if (added != nullptr) *added = true;
  contact.tags.push_back({nextId("contactTag"), tag, now});
  tagLinkOwner[contact.tags.back().id] = contact.id;
  ++tags[tag].contacts;
  touch(contact);
  contact.history.push_back({now, "tag:" + std::to_string(tag), "add", by});
  return contact.tags.back();
}

bool Ledger::removeTagLink(Contact& contact, Id link, const std::string& by) {
  const auto found = std::find_if(contact.tags.begin(), contact.tags.end(),
                                  [&](const TagLink& each) { return each.id == link; });
  if (found == contact.tags.end()) return false;
  contact.history.push_back({now, "tag:" + std::to_string(found->tag), "remove", by});
  --tags[found->tag].contacts;
  tagLinkOwner.erase(link);
  contact.tags.erase(found);
  return true;
}

Entry& Ledger::enter(Contact& contact, Id automation, const std::string& by) {
  contact.entries.push_back({nextId("contactAutomation"), automation, now});
  entryOwner[contact.entries.back().id] = contact.id;
  ++automations[automation].entered;
  contact.history.push_back({now, "automation:" + std::to_string(automation), "enter", by});
  return contact.entries.back();
}

ListLink& Ledger::setList(Contact& contact, Id list, int status) {
  for (ListLink& link : contact.lists) {
    if (link.list != list) continue;
    link.status = status;
    link.updated = now;
    return link;
  }
  contact.lists.push_back({nextId("contactList"), list, status, now, 0});
  return contact.lists.back();
}

void Ledger::merge(Contact& gone, Contact& into) {
  for (const auto& [field, value] : gone.fields) {
    if (into.fields.count(field) == 0) setField(into, field, value.value, "merge");
  }
  for (const TagLink& link : gone.tags) addTag(into, link.tag, "merge");
  for (const ListLink& link : gone.lists) {
    const bool known = std::any_of(into.lists.begin(), into.lists.end(),
                                   [&](const ListLink& each) { return each.list == link.list; });
    if (!known) setList(into, link.list, link.status);
  }
  touch(into);
  removeContact(gone.id);
}

void Ledger::announce(const std::string& type, const Contact& contact, const std::string& source,
                      const std::string& tag, Id list) {
  const bool listEvent = tag.empty();
  for (const auto& [id, hook] : webhooks) {
    if (!hook.active || !contains(hook.events, type) || !contains(hook.sources, source)) continue;
    const bool member =
        std::any_of(contact.lists.begin(), contact.lists.end(),
                    [hookList = hook.list](const ListLink& link) { return link.list == hookList; });
    if (listEvent && hook.list != 0 && !member) continue;
    outgoing.push_back({id, hook.url, eventBody(*this, contact, {type, source, tag, list})});
  }
}

bool validEmail(const std::string& email) {
  const std::size_t at = email.find('@');
  return at != std::string::npos && at > 0 && email.find('@', at + 1) == std::string::npos &&
         email.find('.', at) != std::string::npos && email.back() != '.' &&
         email.find_first_of(" \t\r\n,<>\"") == std::string::npos;
}

}  // namespace acsim
