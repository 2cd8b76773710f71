// What the simulated account holds, and how writes move its stamps.
//
// One thread at a time: Account (account.h) owns the only Ledger and its lock.
// References and pointers to contents are valid until the next call that
// creates or removes something of the same kind.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "stamp.h"

namespace acsim {

using Id = long;

struct FieldValue {
  Id id = 0;
  std::string value;
  Ms created = 0, updated = 0;
};

struct TagLink {
  Id id = 0, tag = 0;
  Ms created = 0;
};

struct ListLink {
  Id id = 0, list = 0;
  int status = 1;  // 0 unconfirmed, 1 subscribed, 2 unsubscribed, 3 bounced
  Ms since = 0, updated = 0;
};

struct Entry {  // into an automation
  Id id = 0, automation = 0;
  Ms since = 0;
};

// One write, for the tests: `field` is a personalization tag, `tag:ID`,
// `automation:ID` or `email`; `by` is who wrote it.
struct Change {
  Ms at = 0;
  std::string field, value, by;
};

struct Contact {
  Id id = 0;
  std::string email, phone, firstName, lastName, hash;
  Ms created = 0;
  Ms updated = 0;                   // `udate`
  Ms timestamp = 0;                 // `updated_timestamp`
  std::map<Id, FieldValue> fields;  // by field id
  std::vector<TagLink> tags;
  std::vector<ListLink> lists;
  std::vector<Entry> entries;
  std::vector<Change> history;
};

struct Tag {
  Id id = 0;
  std::string name, type, description;
  Ms created = 0;
  long contacts = 0;
};

struct Relation {
  Id id = 0, list = 0;  // list 0: all
  Ms created = 0;
};

struct Field {
  Id id = 0;
  std::string title, description, type, perstag, standard;
  bool visible = true;
  long order = 0;
  Ms created = 0;
  std::vector<Relation> relations;
};

struct Automation {
  Id id = 0;
  std::string name;
  bool active = true;
  long entered = 0;
};

struct List {
  Id id = 0;
  std::string name;
};

struct Webhook {
  Id id = 0;
  std::string name, url;
  std::vector<std::string> events, sources;
  Id list = 0;
  Ms created = 0;
  bool active = true;  // false after a 410; the API does not show it
};

// What goes wrong with bulk imports.
struct ImportRules {
  bool stuck = false;             // no batch is applied
  bool withoutFields = false;     // rows succeed, but their fields are not written
  std::set<std::string> failing;  // lower-case e-mails whose rows fail
};

struct Batch {
  std::string id, body;
  long contacts = 0;
  Ms queued = 0, due = 0;
  bool done = false;
  std::vector<std::string> success, failure;
};

// An event webhook on its way, rendered when the event happened.
struct Delivery {
  Id hook = 0;
  std::string url, body;
};

class Ledger {
 public:
  Ms now = 0;  // set by Account when it takes the lock
  std::map<Id, Contact> contacts;
  std::map<Id, Tag> tags;
  std::map<Id, Field> fields;
  std::map<Id, Automation> automations;
  std::map<Id, List> lists;
  std::map<Id, Webhook> webhooks;
  std::vector<Batch> batches;
  ImportRules importRules;         // set by a control route, not kept
  std::vector<Delivery> outgoing;  // collected by Account

  // Which contact a contactTag, fieldValue, contactList or entry belongs to.
  std::unordered_map<Id, Id> tagLinkOwner, valueOwner, entryOwner;

  // What a fresh account holds.
  void seed();
  // Rebuilds what is derived, after the rest was filled in.
  void index();

  Id nextId(const std::string& kind) { return ++lastIds[kind]; }
  std::map<std::string, Id> lastIds;

  // Null if there is none. E-mail addresses compare without case.
  Contact* contact(Id id);
  Contact* contactByEmail(const std::string& email);
  Field* fieldByTag(const std::string& perstag);
  Tag* tagByName(const std::string& name);
  // Created if missing; a field made so has its own tag as title and is related to all lists.
  Field& fieldNamed(const std::string& perstag);
  Tag& tagNamed(const std::string& name);

  // `email` must be free.
  Contact& createContact(const std::string& email, const std::string& by);
  void removeContact(Id id);
  // Moves `udate` and `updated_timestamp`.
  void touch(Contact& contact);
  void setEmail(Contact& contact, const std::string& email, const std::string& by);
  FieldValue& setField(Contact& contact, Id field, const std::string& value, const std::string& by);
  // `added` says whether the contact did not have it. Moves `udate` only then.
  TagLink& addTag(Contact& contact, Id tag, const std::string& by, bool* added = nullptr);
  // Does not move `udate`. False if the contact has no such link.
  bool removeTagLink(Contact& contact, Id link, const std::string& by);
  Entry& enter(Contact& contact, Id automation, const std::string& by);
  ListLink& setList(Contact& contact, Id list, int status);
  void merge(Contact& gone, Contact& into);

  // Renders event `type` for every active webhook that asked for it from `source`.
  // `tag` is the one changed in tag events, `list` the list concerned or 0.
  void announce(const std::string& type, const Contact& contact, const std::string& source,
                const std::string& tag = "", Id list = 0);

 private:
  std::unordered_map<std::string, Id> byEmail_;
};

bool validEmail(const std::string& email);

}  // namespace acsim
