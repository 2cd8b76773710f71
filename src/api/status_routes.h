// GET /membergate/v1/status
#pragma once

#include <functional>

#include "access/api_keys.h"
#include "base/json.h"
#include "base/result.h"
#include "http/router.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class StatusRoutes {
 public:
  // How the service does; must be thread-safe and quick. Errors: kUnavailable.
  using Read = std::function<Result<json::Object>()>;

  // `keys` must outlive the routes.
  StatusRoutes(access::ApiKeys& keys, Read read) : keys_(keys), read_(std::move(read)) {}

  // Scope admin.
  void registerOn(http::Router& router);

 private:
  access::ApiKeys& keys_;
  const Read read_;
};

}  // namespace mbr::api
