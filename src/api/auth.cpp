#include "api/auth.h"

#include <string>

#include "http/problem.h"

namespace mbr::api {

http::Response wrongScope(const http::Request& request, access::Scope needed) {
  return http::problem(
      request, 403, "scope",
      "This call needs a key with the scope " + std::string(access::toString(needed)) + ".");
}

std::optional<access::Caller> authorise(access::ApiKeys& keys, const http::Request& request,
                                        access::Scope scope, const http::Reply& reply) {
  return authorise(keys, request, scope, scope, reply);
}

std::optional<access::Caller> authorise(access::ApiKeys& keys, const http::Request& request,
                                        access::Scope scope, access::Scope other,
                                        const http::Reply& reply) {
  auto caller = keys.authenticate(request.authorization);
  if (!caller) {
    if (caller.error().code != Code::kDenied) {
      reply.send(http::errorResponse(request.requestId, caller.error()));
    } else {
      reply.send(http::problem(request, 401, "key",
                               "Send an API key in force as \"Authorization: Bearer KEY\".")
                     .with("WWW-Authenticate", "Bearer realm=\"membergate\""));
    }
    return std::nullopt;
  }
  if (!caller->scopes.has(scope) && !caller->scopes.has(other)) {
    reply.send(wrongScope(request, scope));
    return std::nullopt;
  }
  return *std::move(caller);
}

}  // namespace mbr::api
