#include "api/tag_routes.h"

#include <string>
#include <utility>
#include <vector>

#include "api/auth.h"
#include "api/awaited_change.h"
#include "api/limits.h"
#include "http/json_body.h"

namespace mbr::api {
namespace {

using Item = members::ChangePayload::Item;

bool isBlank(const std::string& text) { return text.find_first_not_of(' ') == std::string::npos; }

// A positive integer is an id, anything else a name.
void addItems(members::ChangePayload& change, Item::Action action,
              std::vector<std::string>&& tags) {
  for (std::string& tag : tags) {
    Item item;
    item.action = action;
    if (const auto id = parseId(tag)) {
      item.id = *id;
    } else {
      item.name = std::move(tag);
    }
    change.items.push_back(std::move(item));
  }
}

members::ChangePayload readChange(http::JsonBody& body) {
  members::ChangePayload change;
  addItems(change, Item::Action::kRemove, body.optionalStrings("remove", kMaxItems, kMaxNameBytes));
  addItems(change, Item::Action::kAdd, body.optionalStrings("add", kMaxItems, kMaxNameBytes));
  change.createMissing = body.optionalBool("create_missing").value_or(false);
  body.refuseUnknown();
  if (change.items.empty())
    body.refuse("invalid_request", "Name at least one tag to add or remove.");
  if (change.items.size() > kMaxItems) {
    body.refuse("invalid_request",
                "One call changes at most " + std::to_string(kMaxItems) + " tags.");
  }
  for (const Item& item : change.items) {
    if (item.id == 0 && isBlank(item.name)) body.refuse("invalid_request", "A tag has no name.");
  }
  return change;
}

}  // namespace

void TagRoutes::registerOn(http::Router& router) {
  router.add(
      "POST", "/membergate/v1/contacts/{contact}/tags",
      [this](const http::Request& request, const http::PathParams& params,
             const http::Reply& reply) { change(request, params.find("contact")->second, reply); });
}

void TagRoutes::change(const http::Request& request, std::string_view contact,
                       const http::Reply& reply) const {
  if (!authorise(keys_, request, access::Scope::kContactsWrite, reply)) return;
  http::JsonBody body(request, kMaxBodyBytes);
  members::ChangePayload payload = readChange(body);
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  const Patience patience(request);
  lookup_.find(request, contact, Refresh::kAuto, reply,
               [this, payload = std::move(payload), patience, requestId = request.requestId,
                reply](const contacts::CachedContactPtr& found) mutable {
                 payload.contactId = found->contact.id;
                 carryOut(std::move(payload), patience, std::move(requestId), reply, updater_,
                          dispatcher_);
               });
}

}  // namespace mbr::api
