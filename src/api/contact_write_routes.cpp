#include "api/contact_write_routes.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "api/auth.h"
#include "api/limits.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "domain/email.h"

namespace mbr::api {
namespace {

using members::ChangePayload;
using Item = ChangePayload::Item;

constexpr std::size_t kMaxEmailBytes = 1024;  // longer than any: not valid, rather than too long

std::string quoted(std::string_view name) { return "\"" + std::string(name.substr(0, 64)) + "\""; }

void set(ChangePayload& change, std::string_view name, std::string value) {
  Item item;
  item.kind = Item::Kind::kField;
  item.action = Item::Action::kSet;
  item.name = name;
  item.value = std::move(value);
  change.items.push_back(std::move(item));
}

// A personalization tag or an id.
void setField(ChangePayload& change, std::string_view field, const std::string& value) {
  set(change, upperCased(field), value);
  if (const auto id = parseId(field)) {
    change.items.back().id = *id;
    change.items.back().name.clear();
  }
}

// What is wrong with a field's name or value, as the end of a sentence; null if nothing is.
const char* faultOf(const std::string& name) {
  if (name.find_first_not_of(' ') == std::string::npos) return " has no name.";
  if (name.size() > kMaxNameBytes) return " has too long a name.";
  return hasControlCharacter(name) ? " holds a control character in its name." : nullptr;
}
const char* faultOf(const json::Value& value) {
  const std::string* text = value.asString();
  if (text == nullptr) return " must be a string.";
  if (text->size() > kMaxValueBytes) return " is too long.";
  const bool holdsControl = std::any_of(text->begin(), text->end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r');
  });
  return holdsControl ? " holds a control character." : nullptr;
}

}  // namespace

void ContactWriteRoutes::registerOn(http::Router& router) {
  router.add("POST", "/membergate/v1/contacts",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { upsert(request, reply); });
  router.add(
      "PATCH", "/membergate/v1/contacts/{contact}",
      [this](const http::Request& request, const http::PathParams& params,
             const http::Reply& reply) { patch(request, params.find("contact")->second, reply); });
}

void ContactWriteRoutes::upsert(const http::Request& request, const http::Reply& reply) const {
  const auto caller = authorise(keys_, request, access::Scope::kContactsWrite, reply);
  if (!caller) return;
  http::JsonBody body(request, kMaxBodyBytes);
  ChangePayload change;
  readMembers(body, change);
  if (change.email.empty()) body.refuse("invalid_request", "The member \"email\" is required.");
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  auto terms = changes_.admit(request, *caller, reply);
  if (terms) changes_.carryOut(std::move(change), std::move(*terms), reply);
}

void ContactWriteRoutes::patch(const http::Request& request, std::string_view contact,
                               const http::Reply& reply) const {
  const auto caller = authorise(keys_, request, access::Scope::kContactsWrite, reply);
  if (!caller) return;
  http::JsonBody body(request, kMaxBodyBytes);
  ChangePayload change;
  readMembers(body, change);
  body.refuseUnknown();
  if (change.items.empty()) body.refuse("invalid_request", "Name at least one member to change.");
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  auto terms = changes_.admit(request, *caller, reply);
  if (!terms) return;
  lookup_.find(request, contact, Refresh::kAuto, reply,
               [this, change = std::move(change), terms = std::move(*terms),
                reply](const contacts::CachedContactPtr& found) mutable {
                 change.contactId = found->contact.id;
                 change.email.clear();
                 changes_.carryOut(std::move(change), std::move(terms), reply);
               });
}

void ContactWriteRoutes::readMembers(http::JsonBody& body, ChangePayload& change) const {
  if (const auto text = body.optionalString(members::kEmailMember, kMaxEmailBytes)) {
    const auto email = Email::parse(*text);
    if (email) {
      change.email = email->text();
      set(change, members::kEmailMember, email->text());
    } else {
      body.refuse("invalid_request", "The member \"email\" is not an e-mail address.");
    }
  }
  for (const std::string_view name :
       {members::kFirstNameMember, members::kLastNameMember, members::kPhoneMember}) {
    if (auto text = body.optionalString(name, kMaxValueBytes)) set(change, name, std::move(*text));
  }
  readFields(body, change);
}

void ContactWriteRoutes::readFields(http::JsonBody& body, ChangePayload& change) const {
  const json::Value* value = body.optionalValue("fields");
  if (value == nullptr) return;
  const json::Object* fields = value->asObject();
  if (fields == nullptr) {
    return body.refuse("invalid_request", "The member \"fields\" must be an object of strings.");
  }
  if (fields->members().size() > kMaxFields) {
    return body.refuse("invalid_request",
                       "One call sets at most " + std::to_string(kMaxFields) + " fields.");
  }
  for (const auto& [name, text] : fields->members()) {
    const char* fault = faultOf(name);
    if (fault == nullptr) fault = faultOf(text);
    if (fault != nullptr)
      return body.refuse("invalid_request", "The field " + quoted(name) + fault);
    if (hides_(name)) {
      return body.refuse("invalid_request",
                         "The field " + quoted(name) +
                             " is hidden and not set here; a password is set with "
                             "POST /membergate/v1/contacts/{contact}/password.");
    }
    setField(change, name, *text.asString());
  }
}

}  // namespace mbr::api
