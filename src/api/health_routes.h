// GET /membergate/livez, /membergate/readyz and /membergate/metrics, for probes and Prometheus.
//
// Without a key: nginx lets local callers in only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/router.h"

namespace mbr::api {

struct Health {
  enum class State {
    kOk,
    kDegraded,  // something works less well; the service is ready all the same
    kFailed,    // the service is not ready
  };
  State state = State::kOk;
  std::string detail;  // safe to show to anybody
};

struct HealthCheck {
  std::string name;               // "store", "activecampaign"
  std::function<Health()> check;  // called on fast workers: thread-safe and quick
};

// Handlers may run on several fast workers at once.
class HealthRoutes {
 public:
  explicit HealthRoutes(std::vector<HealthCheck> checks) : checks_(std::move(checks)) {}

  // livez: 200 as long as the process serves. readyz: 200 {"status":"ready"}, or 503
  // {"status":"unready"}, with each check's state under "checks" if the query holds `verbose`.
  void registerOn(http::Router& router);

 private:
  http::Response ready(const http::Request& request) const;

  const std::vector<HealthCheck> checks_;
};

}  // namespace mbr::api
