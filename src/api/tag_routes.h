// POST /membergate/v1/contacts/{contact}/tags
#pragma once

#include "access/api_keys.h"
#include "api/contact_lookup.h"
#include "http/router.h"
#include "members/contact_updater.h"
#include "outbox/dispatcher.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class TagRoutes {
 public:
  // All of them must outlive the routes, and the routes every reply that is still open.
  TagRoutes(access::ApiKeys& keys, const ContactLookup& lookup, members::ContactUpdater& updater,
            outbox::Dispatcher& dispatcher)
      : keys_(keys), lookup_(lookup), updater_(updater), dispatcher_(dispatcher) {}

  // {"add":[ids or names],"remove":[…],"create_missing":false}. The change is committed as a job
  // first and then awaited as long as `Prefer: wait=N` says: 200 once ActiveCampaign has taken all
  // of it, 422 `refused` if it did not, 202 with the job's URL if it had not answered in time.
  // Scope contacts:write.
  void registerOn(http::Router& router);

 private:
  void change(const http::Request& request, std::string_view contact,
              const http::Reply& reply) const;

  access::ApiKeys& keys_;
  const ContactLookup& lookup_;
  members::ContactUpdater& updater_;
  outbox::Dispatcher& dispatcher_;
};

}  // namespace mbr::api
