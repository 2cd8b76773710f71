// POST /membergate/v1/login
#pragma once

#include "access/api_keys.h"
#include "http/router.h"
#include "logins/logins.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class LoginRoutes {
 public:
  // Both must outlive the routes, and the routes every reply that is still open.
  LoginRoutes(access::ApiKeys& keys, logins::Logins& logins) : keys_(keys), logins_(logins) {}

  // {"email","password","client_ip"?}. 200 {"contact","source","as_of","session",
  // "session_expires_at"} with the session on disk; 401 invalid_credentials, the same for unknown
  // e-mail, wrong password and none yet; 403 not_entitled; 429 throttled; 503. Scope login.
  void registerOn(http::Router& router);

 private:
  void login(const http::Request& request, const http::Reply& reply);

  access::ApiKeys& keys_;
  logins::Logins& logins_;
};

}  // namespace mbr::api
