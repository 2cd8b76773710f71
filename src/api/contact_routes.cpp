#include "api/contact_routes.h"

#include <memory>
#include <optional>
#include <string>

#include "api/auth.h"
#include "api/entity_tag.h"
#include "http/form.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

std::optional<Refresh> refreshOf(const http::Request& request) {
  if (request.query.empty()) return Refresh::kAuto;
  const auto query = http::parseForm(request.query);
  if (!query) return std::nullopt;
  const std::string_view* word = query->find("refresh");
  return word == nullptr ? Refresh::kAuto : parseRefresh(*word);
}

http::Response contactResponse(const contacts::CachedContactPtr& contact,
                               const std::string& ifNoneMatch) {
  http::Response response;
  response.with("ETag", contact->etag).with("Cache-Control", "private, no-cache");
  if (namesEntityTag(ifNoneMatch, contact->etag)) {
    response.status = 304;
  } else {
    // Shares the cached text: it is sent without a copy and lives until it is.
    response.sharedBody = std::shared_ptr<const std::string>(contact, &contact->json);
  }
  return response;
}

}  // namespace

void ContactRoutes::registerOn(http::Router& router) {
  router.add(
      "GET", "/membergate/v1/contacts/{contact}",
      [this](const http::Request& request, const http::PathParams& params,
             const http::Reply& reply) { show(request, params.find("contact")->second, reply); });
}

void ContactRoutes::show(const http::Request& request, std::string_view contact,
                         const http::Reply& reply) const {
  if (!authorise(keys_, request, access::Scope::kContactsRead, reply)) return;
  const auto refresh = refreshOf(request);
  if (!refresh) {
    return reply.send(http::problem(request, 400, "invalid_request",
                                    "The parameter refresh is auto, live or never."));
  }
  lookup_.find(request, contact, *refresh, reply,
               [reply, ifNoneMatch = std::string(request.header("if-none-match"))](
                   const contacts::CachedContactPtr& found) {
                 reply.send(contactResponse(found, ifNoneMatch));
               });
}

}  // namespace mbr::api
