// Who may call a route of the API.
#pragma once

#include <optional>

#include "access/api_keys.h"
#include "http/reply.h"
#include "http/request.h"

namespace mbr::api {

// The caller whose key the request carries. Otherwise nothing, and the request is answered: 401
// `key` (none, or none in force), 403 `scope` (the key is not for this), 503 (keys not readable).
std::optional<access::Caller> authorise(access::ApiKeys& keys, const http::Request& request,
                                        access::Scope scope, const http::Reply& reply);

// The same for callers whose scope is judged once the body is known: whoever has one of the two.
std::optional<access::Caller> authorise(access::ApiKeys& keys, const http::Request& request,
                                        access::Scope scope, access::Scope other,
                                        const http::Reply& reply);

http::Response wrongScope(const http::Request& request, access::Scope needed);

}  // namespace mbr::api
