// What nginx says about a request: FastCGI parameters as an http::Request.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/request.h"

namespace mbr::fastcgi {

// What the parameters say that a Request does not hold.
struct Announced {
  bool hasMethod = false;
  // Nothing if CONTENT_LENGTH is no number. 0 if it is missing or empty.
  std::optional<std::size_t> contentLength = 0;
};

// Fills `request` from `parameters`, a null-terminated array of NAME=value. HTTP_PROXY is dropped,
// and MEMBERGATE_REQUEST_ID becomes the request's id if it is safe to show; otherwise a random one
// is made.
Announced readParams(const char* const* parameters, http::Request& request);

}  // namespace mbr::fastcgi
