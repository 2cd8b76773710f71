// GET /membergate/v1/session and POST /membergate/v1/logout
#pragma once

#include <functional>

#include "access/api_keys.h"
#include "access/sessions.h"
#include "contacts/contact_cache.h"
#include "http/router.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class SessionRoutes {
 public:
  // Whether the contact may be logged in at all.
  using MayEnter = std::function<bool(const Contact&)>;

  // All of them must outlive the routes, and the routes every reply that is still open.
  SessionRoutes(access::ApiKeys& keys, access::Sessions& sessions, contacts::ContactCache& cache,
                MayEnter mayEnter)
      : keys_(keys), sessions_(sessions), cache_(cache), mayEnter_(std::move(mayEnter)) {}

  // Both take the token in the header Membergate-Session and answer 404 if there is no session of
  // it in force. The session: 200 {"contact","via","created_at","expires_at"} with the contact as
  // it is now; one of a contact that is deleted or may not enter is not in force. Logout: 204 once
  // its end is on disk. Scope login.
  void registerOn(http::Router& router);

 private:
  void show(const http::Request& request, const http::Reply& reply) const;
  void logout(const http::Request& request, const http::Reply& reply) const;
  // The session that the request names; otherwise the request is answered.
  std::optional<access::Session> find(const http::Request& request, const http::Reply& reply) const;

  access::ApiKeys& keys_;
  access::Sessions& sessions_;
  contacts::ContactCache& cache_;
  const MayEnter mayEnter_;
};

}  // namespace mbr::api
