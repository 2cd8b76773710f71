#include "api/erase_routes.h"

#include "api/auth.h"
#include "http/problem.h"

namespace mbr::api {

void EraseRoutes::registerOn(http::Router& router) {
  router.add(
      "DELETE", "/membergate/v1/contacts/{contact}",
      [this](const http::Request& request, const http::PathParams& params,
             const http::Reply& reply) { erase(request, params.find("contact")->second, reply); });
}

void EraseRoutes::erase(const http::Request& request, std::string_view contact,
                        const http::Reply& reply) const {
  const auto caller = authorise(keys_, request, access::Scope::kAdmin, reply);
  if (!caller) return;
  Order order{{}, "key:" + std::to_string(caller->id), request.requestId};
  if (contact.find('@') != std::string_view::npos) {
    order.who.email = Email::parse(contact);
  } else {
    order.who.id = parseId(contact);
  }
  if (!order.who.id && !order.who.email) {
    return reply.send(http::problem(request, 400, "invalid_request",
                                    "The path names neither a contact's id nor an e-mail."));
  }
  erase_(std::move(order), [reply, requestId = request.requestId](const Outcome& erased) {
    if (!erased && erased.error().code == Code::kNotFound) {
      return reply.send(http::problemFor(requestId, 404, "not_found", "There is no such contact."));
    }
    if (!erased) return reply.send(http::errorResponse(requestId, erased.error()));
    http::Response response;
    response.status = 204;
    reply.send(std::move(response));
  });
}

}  // namespace mbr::api
