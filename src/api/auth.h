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

}  // namespace mbr::api
