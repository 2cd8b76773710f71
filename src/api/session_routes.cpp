#include "api/session_routes.h"

#include <string>

#include "api/auth.h"
#include "base/time_format.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

constexpr std::string_view kTokenHeader = "membergate-session";

http::Response noSession(const http::Request& request) {
  return http::problem(request, 404, "not_found", "There is no session of this token in force.");
}

// Written by hand: the contact's text is ready.
http::Response render(const contacts::CachedContact& contact, const access::Session& session) {
  http::Response response;
  std::string& out = response.body;
  out = R"({"contact":)" + contact.json;
  out += R"(,"via":")" + session.via;
  out += R"(","created_at":")" + formatRfc3339(session.createdAt);
  out += R"(","expires_at":")" + formatRfc3339(session.expiresAt) + "\"}";
  response.with("Cache-Control", "no-store");
  return response;
}

}  // namespace

void SessionRoutes::registerOn(http::Router& router) {
  router.add("GET", "/membergate/v1/session",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { show(request, reply); });
  router.add("POST", "/membergate/v1/logout",
             [this](const http::Request& request, const http::PathParams&,
                    const http::Reply& reply) { logout(request, reply); });
}

std::optional<access::Session> SessionRoutes::find(const http::Request& request,
                                                   const http::Reply& reply) const {
  if (!authorise(keys_, request, access::Scope::kLogin, reply)) return std::nullopt;
  const std::string_view token = request.header(kTokenHeader);
  if (token.empty()) {
    reply.send(http::problem(request, 400, "invalid_request",
                             "Send the session's token in the header Membergate-Session."));
    return std::nullopt;
  }
  auto found = sessions_.find(token);
  if (!found) {
    reply.send(http::errorResponse(request.requestId, found.error()));
    return std::nullopt;
  }
  if (!*found) reply.send(noSession(request));
  return *std::move(found);
}

void SessionRoutes::show(const http::Request& request, const http::Reply& reply) const {
  const auto session = find(request, reply);
  if (!session) return;
  const auto contact = cache_.findById(session->contactId);
  if (!contact) return reply.send(http::errorResponse(request.requestId, contact.error()));
  if (!*contact || (*contact)->contact.deletedAt || !mayEnter_((*contact)->contact)) {
    return reply.send(noSession(request));
  }
  reply.send(render(**contact, *session));
}

void SessionRoutes::logout(const http::Request& request, const http::Reply& reply) const {
  if (!find(request, reply)) return;
  sessions_.end(request.header(kTokenHeader),
                [reply, requestId = request.requestId](const Outcome& ended) {
                  if (!ended) return reply.send(http::errorResponse(requestId, ended.error()));
                  http::Response response;
                  response.status = 204;
                  reply.send(std::move(response));
                });
}

}  // namespace mbr::api
