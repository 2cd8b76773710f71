// One HTTP request as a handler sees it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace mbr::http {

struct Request {
  // Whether `body` is what the sender announced. A handler answers in the order of DECISIONS
  // (method, key, type, then size and length), so a broken body still reaches it.
  enum class BodyState {
    kComplete,
    kTooLarge,    // longer than the server reads; `body` is empty
    kIncomplete,  // shorter or longer than Content-Length said, or no valid length
  };

  std::string method;         // as sent: GET, POST, ...
  std::string path;           // the path of the request line, not decoded, no query
  std::string query;          // what follows the '?', not decoded
  std::string documentUri;    // nginx' idea of the path after rewrites; tells internal locations
  std::string contentType;    // the header as sent; see mediaType()
  std::string authorization;  // the header as sent; a secret, never logged
  std::string requestId;      // from nginx, or made by the server; safe for logs and headers
  std::string remoteAddress;
  // Every other header by lower-case name with dashes: "if-none-match", "prefer".
  std::map<std::string, std::string, std::less<>> headers;
  // FastCGI parameters of ours: MEMBERGATE_… by name.
  std::map<std::string, std::string, std::less<>> params;
  bool https = false;
  std::string body;
  BodyState bodyState = BodyState::kComplete;
  SteadyInstant arrived{};

  // The header's value, or "".
  std::string_view header(std::string_view lowerCaseName) const;

  // The media type alone, lower-case: "application/json".
  std::string mediaType() const;
};

}  // namespace mbr::http
