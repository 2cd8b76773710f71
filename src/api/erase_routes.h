// DELETE /membergate/v1/contacts/{contact}
#pragma once

#include <functional>
#include <string>

#include "access/api_keys.h"
#include "contacts/source.h"
#include "http/router.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class EraseRoutes {
 public:
  struct Order {
    contacts::Who who;  // an id or an e-mail
    std::string actor;  // for the audit
    std::string requestId;
  };
  // Erases the contact with a tombstone and calls `done` once that is on disk. Must not wait.
  // Errors: kNotFound (nothing is kept of it), those of the store.
  using Erase = std::function<void(Order order, std::function<void(Outcome)> done)>;

  // `keys` must outlive the routes, and the routes every reply that is still open.
  EraseRoutes(access::ApiKeys& keys, Erase erase) : keys_(keys), erase_(std::move(erase)) {}

  // 204 once nothing of the contact is left here; 404 if there was nothing. ActiveCampaign is not
  // asked. Scope admin.
  void registerOn(http::Router& router);

 private:
  void erase(const http::Request& request, std::string_view contact,
             const http::Reply& reply) const;

  access::ApiKeys& keys_;
  const Erase erase_;
};

}  // namespace mbr::api
