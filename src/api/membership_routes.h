// POST /membergate/v1/contacts/{contact}/tags, /automations and /lists
#pragma once

#include <string>

#include "access/api_keys.h"
#include "api/awaited_change.h"
#include "api/contact_lookup.h"
#include "http/router.h"
#include "members/job_payload.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class MembershipRoutes {
 public:
  // All of them must outlive the routes, and the routes every reply that is still open.
  MembershipRoutes(access::ApiKeys& keys, const ContactLookup& lookup,
                   const AwaitedChanges& changes)
      : keys_(keys), lookup_(lookup), changes_(changes) {}

  // {"add":[ids or names],"remove":[…]}, for tags also "create_missing":false. What they mean:
  // has the tag; is in the automation, where each addition enters it once more; is subscribed to
  // the list. Removals come first. Answers as AwaitedChanges says. Scope contacts:write.
  void registerOn(http::Router& router);

 private:
  using Kind = members::ChangePayload::Item::Kind;

  void add(http::Router& router, const std::string& name, Kind kind);
  void change(const http::Request& request, std::string_view contact, Kind kind,
              const http::Reply& reply) const;

  access::ApiKeys& keys_;
  const ContactLookup& lookup_;
  const AwaitedChanges& changes_;
};

}  // namespace mbr::api
