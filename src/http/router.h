// Finds the handler of a request.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/reply.h"
#include "http/request.h"

namespace mbr::http {

// Decoded values of the {names} in a route's pattern.
using PathParams = std::map<std::string, std::string, std::less<>>;

// Called on a fast worker: must not wait. `request` and `params` live until it returns.
using Handler = std::function<void(const Request& request, const PathParams& params, Reply reply)>;

// Filled before the server starts, immutable afterwards; handle() is then thread-safe.
//
// Matching, in this order:
//  1. internal locations by documentUri (nginx sets it; a client cannot): "/.membergate/authz";
//  2. actions by the name of a query parameter ("mbr_genpass"), if the path is not below
//     "/membergate/"; the action's handler sees every method and answers 405 itself;
//  3. patterns over the raw path: each segment is matched as sent and decoded once, so "%2F" in a
//     {name} stays in that name. A segment that cannot be decoded, or decodes to control
//     characters or invalid UTF-8, is 400.
// Unknown path 404 not_found; known path with another method 405 with Allow. GET routes serve HEAD.
class Router {
 public:
  // `pattern`: "/membergate/v1/contacts/{contact}/tags". Throws std::logic_error if taken.
  // Where a literal segment and a {name} both match, the literal wins.
  void add(std::string method, std::string_view pattern, Handler handler);
  void addAction(std::string queryParameter, Handler handler);
  void addInternal(std::string documentUri, Handler handler);

  void handle(const Request& request, Reply reply) const;

 private:
  struct Route {
    std::vector<std::string> segments;  // "{name}" stands for any one segment
    std::map<std::string, Handler> byMethod;
  };
  const Handler* findAction(std::string_view query) const;  // null if no parameter names one

  std::vector<Route> routes_;
  std::map<std::string, Handler, std::less<>> actions_;
  std::map<std::string, Handler, std::less<>> internals_;
};

}  // namespace mbr::http
