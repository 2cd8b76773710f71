#include "api/membership_routes.h"

#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/limits.h"
#include "http/json_body.h"

namespace mbr::api {
namespace {

using Item = members::ChangePayload::Item;

bool isBlank(const std::string& text) { return text.find_first_not_of(' ') == std::string::npos; }

// A positive integer is an id, anything else a name.
void addItems(members::ChangePayload& change, Item::Kind kind, Item::Action action,
              std::vector<std::string>&& named) {
  for (std::string& each : named) {
    Item item;
    item.kind = kind;
    item.action = action;
    if (const auto id = parseId(each)) {
      item.id = *id;
    } else {
      item.name = std::move(each);
    }
    change.items.push_back(std::move(item));
  }
}

members::ChangePayload readChange(http::JsonBody& body, Item::Kind kind) {
  members::ChangePayload change;
  const auto take = [&](const char* member, Item::Action action) {
    addItems(change, kind, action, body.optionalStrings(member, kMaxItems, kMaxNameBytes));
  };
  take("remove", Item::Action::kRemove);
  take("add", Item::Action::kAdd);
  if (kind == Item::Kind::kTag) {
    change.createMissing = body.optionalBool("create_missing").value_or(false);
  }
  body.refuseUnknown();
  if (change.items.empty()) body.refuse("invalid_request", "Name at least one to add or remove.");
  if (change.items.size() > kMaxItems) {
    body.refuse("invalid_request",
                "One call changes at most " + std::to_string(kMaxItems) + " of them.");
  }
  for (const Item& item : change.items) {
    if (item.id == 0 && isBlank(item.name)) body.refuse("invalid_request", "An item has no name.");
  }
  return change;
}

}  // namespace

void MembershipRoutes::registerOn(http::Router& router) {
  add(router, "tags", Kind::kTag);
  add(router, "automations", Kind::kAutomation);
  add(router, "lists", Kind::kList);
}

void MembershipRoutes::add(http::Router& router, const std::string& name, Kind kind) {
  router.add("POST", "/membergate/v1/contacts/{contact}/" + name,
             [this, kind](const http::Request& request, const http::PathParams& params,
                          const http::Reply& reply) {
               change(request, params.find("contact")->second, kind, reply);
             });
}

void MembershipRoutes::change(const http::Request& request, std::string_view contact, Kind kind,
                              const http::Reply& reply) const {
  const auto caller = authorise(keys_, request, access::Scope::kContactsWrite, reply);
  if (!caller) return;
  http::JsonBody body(request, kMaxBodyBytes);
  members::ChangePayload payload = readChange(body, kind);
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  auto terms = changes_.admit(request, *caller, reply);
  if (!terms) return;
  lookup_.find(request, contact, Refresh::kAuto, reply,
               [this, payload = std::move(payload), terms = std::move(*terms),
                reply](const contacts::CachedContactPtr& found) mutable {
                 payload.contactId = found->contact.id;
                 changes_.carryOut(std::move(payload), std::move(terms), reply);
               });
}

}  // namespace mbr::api
