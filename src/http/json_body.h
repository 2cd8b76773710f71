// JSON request bodies, read strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "http/request.h"
#include "http/response.h"

namespace mbr::http {

// Reads the members of one JSON object and remembers the first thing that is wrong. Use:
//
//   JsonBody body(request, 64 * 1024);
//   const std::string email = body.requiredString("email", 254);
//   const auto address = body.optionalString("client_ip", 64);
//   if (auto refusal = body.refusal()) return reply.send(*refusal);
//
// Refusals: 415 unsupported_media_type unless application/json (a charset of UTF-8 is allowed),
// 413 too_large, 400 invalid_request for an incomplete body, text that is not a JSON object, a
// missing or wrongly typed member, text over its limit, or a control character in a string (NUL
// included); 400 unknown_field for a member that nobody asked for.
class JsonBody {
 public:
  JsonBody(const Request& request, std::size_t maxBytes);

  std::string requiredString(std::string_view name, std::size_t maxBytes);
  std::optional<std::string> optionalString(std::string_view name, std::size_t maxBytes);
  std::optional<bool> optionalBool(std::string_view name);
  // An array of strings; a number that may be an id, from 1 to 2^53 - 1, is accepted as text, since
  // ids are written both ways.
  std::vector<std::string> optionalStrings(std::string_view name, std::size_t maxItems,
                                           std::size_t maxBytes);
  // The member as it is, for shapes of the caller's own; null if absent.
  const json::Value* optionalValue(std::string_view name);
  // The caller found a member wrong; kept if nothing was wrong before.
  void refuse(std::string_view code, std::string_view detail);

  // Refuses members that nobody has asked for so far; for callers with rules of their own, who
  // would otherwise find their rule broken by a misspelt name.
  void refuseUnknown();

  // The refusal, if anything was wrong. Call it last: it also looks for unknown members.
  std::optional<Response> refusal();

 private:
  const json::Value* take(std::string_view name);

  std::string requestId_;
  json::Object object_;
  std::vector<std::string> asked_;
  std::optional<Response> refusal_;
};

}  // namespace mbr::http
