#include "sync/change_names.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace mbr::sync {
namespace {

using members::ChangePayload;
using Item = ChangePayload::Item;
using Kind = Item::Kind;

bool isOpen(const Item& item) { return item.result == Item::Result::kOpen; }

bool isNamed(const Item& item) { return isOpen(item) && !members::isMember(item); }

// The item's id and name as the directories have them; false if they do not.
bool lookUp(const contacts::Names& names, Item& item) {
  const auto take = [&item](std::string_view known, const auto& found) {
    if (item.id == 0) {
      item.id = found.value_or(0);
      return item.id != 0;
    }
    item.name = known;
    return !known.empty();
  };
  switch (item.kind) {
    case Kind::kAutomation:
      return take(names.automationName(item.id), names.automationId(item.name));
    case Kind::kList:
      return take(names.listName(item.id), names.listId(item.name));
    case Kind::kField:
      return take(names.perstag(item.id).value_or(""), names.fieldId(item.name));
    case Kind::kTag:
      break;
  }
  return take(names.tagName(item.id), names.tagId(item.name));
}

Outcome fetch(const Workshop& workshop, activecampaign::Client& client, Kind kind,
              const activecampaign::Call& call) {
  switch (kind) {
    case Kind::kAutomation:
      return workshop.reader.fetchDirectory(client, store::Directory::kAutomations, call);
    case Kind::kList:
      return workshop.reader.fetchDirectory(client, store::Directory::kLists, call);
    case Kind::kField:
      return workshop.reader.fetchFields(client, call);
    case Kind::kTag:
      break;
  }
  return workshop.reader.fetchDirectory(client, store::Directory::kTags, call);
}

void markUnknown(Item& item) {
  constexpr std::string_view kKinds[] = {"tag", "automation", "list", "field"};
  item.result = Item::Result::kUnknown;
  item.detail = "no " + std::string(kKinds[static_cast<std::size_t>(item.kind)]) + " has this " +
                (item.id == 0 ? "name" : "id");
  item.value.clear();
}

void refuse(Item& item, const char* why) {
  item.result = Item::Result::kRefused;
  item.detail = why;
  item.value.clear();
}

// Makes the tags that are unknown.
Outcome makeTags(const Workshop& workshop, activecampaign::Client& client,
                 const std::function<activecampaign::Call()>& call, ChangePayload& change) {
  bool made = false;
  for (Item& item : change.items) {
    if (!isOpen(item) || item.kind != Kind::kTag || item.id != 0) continue;
    if (item.action != Item::Action::kAdd) continue;
    const auto created = client.createTag(call(), item.name);
    if (!created) {
      if (const Outcome judged = judge(item, created.error()); !judged) return judged;
      continue;
    }
    item.id = *created;
    made = true;
  }
  return made ? fetch(workshop, client, Kind::kTag, call()) : Done{};
}

bool meanTheSame(const Item& a, const Item& b) {
  return a.kind == b.kind && a.action == b.action && a.id != 0 && a.id == b.id;
}

void dropDoubles(std::vector<Item>& items) {
  for (auto item = items.begin(); item != items.end();) {
    const bool isDouble = isNamed(*item) && std::any_of(items.begin(), item, [&](const Item& each) {
                            return meanTheSame(each, *item);
                          });
    if (isDouble && item->kind != Kind::kField) {
      item = items.erase(item);
      continue;
    }
    if (isDouble) refuse(*item, "the field is named twice");
    ++item;
  }
}

}  // namespace

Outcome judge(Item& item, const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      item.result = Item::Result::kUnknown;
      break;
    case Code::kInvalid:
    case Code::kConflict:
      item.result = Item::Result::kRefused;
      break;
    default:
      return error;
  }
  item.detail = error.detail;
  item.value.clear();
  return Done{};
}

Outcome resolveNames(const Workshop& workshop, activecampaign::Client& client,
                     const std::function<activecampaign::Call()>& call, ChangePayload& change) {
  std::set<Kind> missing;
  auto names = workshop.directories.names();
  for (Item& item : change.items) {
    if (isNamed(item) && !lookUp(*names, item)) missing.insert(item.kind);
  }
  for (const Kind kind : missing) {
    if (const Outcome got = fetch(workshop, client, kind, call()); !got) return got;
  }
  names = workshop.directories.names();
  for (Item& item : change.items) {
    if (!isNamed(item)) continue;
    const bool found = lookUp(*names, item);
    const bool toMake = change.createMissing && item.kind == Kind::kTag && item.id == 0 &&
                        item.action == Item::Action::kAdd;
    if (!found && !toMake) markUnknown(item);
    if (found && item.kind == Kind::kField && workshop.reader.hides(item.name)) {
      refuse(item, "the field is not to be set here");
    }
  }
  if (const Outcome made = makeTags(workshop, client, call, change); !made) return made;
  dropDoubles(change.items);
  return Done{};
}

}  // namespace mbr::sync
