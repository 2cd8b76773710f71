#include "api/status_routes.h"

#include "api/auth.h"
#include "http/problem.h"

namespace mbr::api {

void StatusRoutes::registerOn(http::Router& router) {
  router.add(
      "GET", "/membergate/v1/status",
      [this](const http::Request& request, const http::PathParams&, const http::Reply& reply) {
        if (!authorise(keys_, request, access::Scope::kAdmin, reply)) return;
        auto status = read_();
        if (!status) return reply.send(http::errorResponse(request.requestId, status.error()));
        reply.send(http::jsonResponse(200, *std::move(status)).with("Cache-Control", "no-store"));
      });
}

}  // namespace mbr::api
