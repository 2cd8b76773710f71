#include "api/health_routes.h"

#include "base/json.h"
#include "http/form.h"
#include "http/problem.h"
#include "ops/metrics.h"

namespace mbr::api {
namespace {

std::string_view toString(Health::State state) {
  switch (state) {
    case Health::State::kOk:
      return "ok";
    case Health::State::kDegraded:
      return "degraded";
    case Health::State::kFailed:
      break;
  }
  return "failed";
}

bool isVerbose(const http::Request& request) {
  const auto query = http::parseForm(request.query);
  return query && query->find("verbose") != nullptr;
}

http::Response metrics() {
  http::Response response;
  response.contentType = "text/plain; version=0.0.4; charset=utf-8";
  response.body = ops::metricsText();
  return response;
}

}  // namespace

void HealthRoutes::registerOn(http::Router& router) {
  router.add("GET", "/membergate/livez",
             [](const http::Request&, const http::PathParams&, const http::Reply& reply) {
               reply.send(http::jsonResponse(200, json::Object{{"status", "alive"}}));
             });
  router.add("GET", "/membergate/readyz",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { reply.send(ready(request)); });
  router.add("GET", "/membergate/metrics",
             [](const http::Request&, const http::PathParams&, const http::Reply& reply) {
               reply.send(metrics());
             });
}

http::Response HealthRoutes::ready(const http::Request& request) const {
  bool isReady = true;
  json::Array rows;
  for (const HealthCheck& check : checks_) {
    const Health health = check.check();
    isReady = isReady && health.state != Health::State::kFailed;
    rows.push_back(json::Object{
        {"name", check.name}, {"state", toString(health.state)}, {"detail", health.detail}});
  }
  json::Object body{{"status", isReady ? "ready" : "unready"}};
  if (isVerbose(request)) body.set("checks", std::move(rows));
  return http::jsonResponse(isReady ? 200 : 503, std::move(body)).with("Cache-Control", "no-store");
}

}  // namespace mbr::api
