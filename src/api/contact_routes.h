// GET /membergate/v1/contacts/{contact}
#pragma once

#include "access/api_keys.h"
#include "api/contact_lookup.h"
#include "http/router.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class ContactRoutes {
 public:
  // Both must outlive the routes, and the routes every reply that is still open.
  ContactRoutes(access::ApiKeys& keys, const ContactLookup& lookup)
      : keys_(keys), lookup_(lookup) {}

  // The contact as JSON with a strong ETag; 304 if If-None-Match names it. `refresh` as in
  // ContactLookup, "auto" if it is absent. Scope contacts:read.
  void registerOn(http::Router& router);

 private:
  void show(const http::Request& request, std::string_view contact, const http::Reply& reply) const;

  access::ApiKeys& keys_;
  const ContactLookup& lookup_;
};

}  // namespace mbr::api
