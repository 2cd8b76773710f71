// GET /membergate/v1/jobs/{id}
#pragma once

#include <functional>
#include <optional>

#include "access/api_keys.h"
#include "base/result.h"
#include "domain/job.h"
#include "http/router.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class JobRoutes {
 public:
  // Reads one job; must be thread-safe. Errors: kUnavailable.
  using FindJob = std::function<Result<std::optional<Job>>(JobId)>;

  // `keys` must outlive the routes.
  JobRoutes(access::ApiKeys& keys, FindJob findJob) : keys_(keys), findJob_(std::move(findJob)) {}

  // The state of a push. Scope contacts:read.
  void registerOn(http::Router& router);

 private:
  void show(const http::Request& request, std::string_view id, const http::Reply& reply) const;

  access::ApiKeys& keys_;
  const FindJob findJob_;
};

}  // namespace mbr::api
