// POST /membergate/v1/contacts, PATCH /membergate/v1/contacts/{contact}
#pragma once

#include <functional>
#include <string_view>

#include "access/api_keys.h"
#include "api/awaited_change.h"
#include "api/contact_lookup.h"
#include "http/json_body.h"
#include "http/router.h"
#include "members/job_payload.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class ContactWriteRoutes {
 public:
  // Whether a field, by personalization tag or id, is never shown. Thread-safe.
  using HidesFn = std::function<bool(std::string_view field)>;

  // All of them must outlive the routes, and the routes every reply that is still open.
  ContactWriteRoutes(access::ApiKeys& keys, const ContactLookup& lookup,
                     const AwaitedChanges& changes, HidesFn hides)
      : keys_(keys), lookup_(lookup), changes_(changes), hides_(std::move(hides)) {}

  // {"email","first_name","last_name","phone","fields":{personalization tag or id: value}}: POST
  // needs the e-mail, by which the contact is found or made; PATCH needs one of them. An empty text
  // empties a member or field. Hidden fields, the password's among them, are refused. Answers as
  // AwaitedChanges says. Scope contacts:write.
  void registerOn(http::Router& router);

 private:
  void upsert(const http::Request& request, const http::Reply& reply) const;
  void patch(const http::Request& request, std::string_view contact,
             const http::Reply& reply) const;
  void readMembers(http::JsonBody& body, members::ChangePayload& change) const;
  void readFields(http::JsonBody& body, members::ChangePayload& change) const;

  access::ApiKeys& keys_;
  const ContactLookup& lookup_;
  const AwaitedChanges& changes_;
  const HidesFn hides_;
};

}  // namespace mbr::api
