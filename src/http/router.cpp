#include "http/router.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"
#include "http/problem.h"

namespace mbr::http {
namespace {

constexpr std::string_view kOwnPaths = "/membergate/";

bool isName(const std::string& segment) { return segment.size() > 2 && segment.front() == '{'; }

// "/a/b" is {"a", "b"}, "/" is {""}; nothing for a path without a leading slash.
std::vector<std::string_view> segmentsOf(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.empty() || path.front() != '/') return segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// Routes of one shape differ at most in what they call their {names}.
bool sameShape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const std::string& x, const std::string& y) { return isName(x) ? isName(y) : x == y; });
}

// Literal segments are tried before {names} in the same place.
bool goesBefore(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const std::string& x, const std::string& y) { return !isName(x) && isName(y); });
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [](const std::string& wanted, std::string_view segment) {
                      return isName(wanted) ? !segment.empty() : wanted == segment;
                    });
}

// Nothing if a segment does not decode to text.
std::optional<PathParams> paramsOf(const std::vector<std::string>& pattern,
                                   const std::vector<std::string_view>& path) {
  PathParams params;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!isName(pattern[i])) continue;
    auto text = percentDecode(path[i], false);
    if (!text || hasControlCharacter(*text) || !isValidUtf8(*text)) return std::nullopt;
    params[pattern[i].substr(1, pattern[i].size() - 2)] = std::move(*text);
  }
  return params;
}

const Handler* handlerFor(const std::map<std::string, Handler>& byMethod,
                          const std::string& method) {
  auto found = byMethod.find(method);
  if (found == byMethod.end() && method == "HEAD") found = byMethod.find("GET");
  return found == byMethod.end() ? nullptr : &found->second;
}

void addMethods(const std::map<std::string, Handler>& byMethod, std::string& allow) {
  const auto append = [&](const std::string& method) {
    allow += allow.empty() ? method : ", " + method;
  };
  for (const auto& [method, handler] : byMethod) {
    append(method);
    if (method == "GET" && byMethod.count("HEAD") == 0) append("HEAD");
  }
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler) {
  const auto views = segmentsOf(pattern);
  if (views.empty()) throw std::logic_error("a pattern starts with a slash");
  std::vector<std::string> segments(views.begin(), views.end());
  auto route = std::find_if(routes_.begin(), routes_.end(), [&](const Route& known) {
    return sameShape(known.segments, segments);
  });
  if (route == routes_.end()) {
    const auto place = std::find_if(routes_.begin(), routes_.end(), [&](const Route& known) {
      return goesBefore(segments, known.segments);
    });
    route = routes_.insert(place, Route{std::move(segments), {}});
  } else if (route->segments != segments) {
    throw std::logic_error("a pattern is there with other names: " + std::string(pattern));
  }
  if (!route->byMethod.emplace(std::move(method), std::move(handler)).second) {
    throw std::logic_error("a route is there already: " + std::string(pattern));
  }
}

void Router::addAction(std::string queryParameter, Handler handler) {
  if (!actions_.emplace(std::move(queryParameter), std::move(handler)).second) {
    throw std::logic_error("an action is there already");
  }
}

void Router::addInternal(std::string documentUri, Handler handler) {
  if (!internals_.emplace(std::move(documentUri), std::move(handler)).second) {
    throw std::logic_error("an internal location is there already");
  }
}

void Router::handle(const Request& request, Reply reply) const {
  const auto internal = internals_.find(request.documentUri);
  if (internal != internals_.end()) return internal->second(request, {}, std::move(reply));

  const std::string_view path = request.path;
  if (path.substr(0, kOwnPaths.size()) != kOwnPaths) {
    if (const Handler* action = findAction(request.query)) {
      return (*action)(request, {}, std::move(reply));
    }
  }

  const auto segments = segmentsOf(path);
  std::string allow;
  for (const Route& route : routes_) {
    if (segments.empty() || !matches(route.segments, segments)) continue;
    const Handler* handler = handlerFor(route.byMethod, request.method);
    if (handler == nullptr) {
      addMethods(route.byMethod, allow);
      continue;
    }
    const auto params = paramsOf(route.segments, segments);
    if (!params) {
      return reply.send(
          problem(request, 400, "invalid_request", "The path holds a segment that is not text."));
    }
    return (*handler)(request, *params, std::move(reply));
  }
  if (!allow.empty()) {
    return reply.send(
        problem(request, 405, "method_not_allowed", "This path takes other methods: see Allow.")
            .with("Allow", allow));
  }
  reply.send(problem(request, 404, "not_found", "There is nothing at this path."));
}

const Handler* Router::findAction(std::string_view query) const {
  if (actions_.empty()) return nullptr;
  while (!query.empty()) {
    const auto parameter = query.substr(0, query.find('&'));
    const auto found = actions_.find(parameter.substr(0, parameter.find('=')));
    if (found != actions_.end()) return &found->second;
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
  }
  return nullptr;
}

}  // namespace mbr::http
