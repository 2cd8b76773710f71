#include "api/job_routes.h"

#include "api/auth.h"
#include "api/job_json.h"
#include "http/problem.h"

namespace mbr::api {

void JobRoutes::registerOn(http::Router& router) {
  router.add("GET", "/membergate/v1/jobs/{id}",
             [this](const http::Request& request, const http::PathParams& params,
                    const http::Reply& reply) { show(request, params.find("id")->second, reply); });
}

void JobRoutes::show(const http::Request& request, std::string_view id,
                     const http::Reply& reply) const {
  if (!authorise(keys_, request, access::Scope::kContactsRead, reply)) return;
  const auto jobId = parseId(id);
  const auto job = jobId ? findJob_(*jobId) : Result<std::optional<Job>>(std::optional<Job>());
  if (!job) return reply.send(http::errorResponse(request.requestId, job.error()));
  if (!*job) return reply.send(http::problem(request, 404, "not_found", "There is no such job."));
  reply.send(http::jsonResponse(200, renderJob(**job)).with("Cache-Control", "no-store"));
}

}  // namespace mbr::api
