#include "api/document_routes.h"

#include <memory>

namespace mbr::api {

void registerDocumentRoutes(http::Router& router) {
  router.add("GET", "/membergate/v1/openapi.yaml",
             [](const http::Request&, const http::PathParams&, const http::Reply& reply) {
               http::Response response;
               response.contentType = "application/yaml";
               // Never freed, so it needs no owner.
               response.sharedBody = {std::shared_ptr<void>(), &openapiText()};
               reply.send(std::move(response));
             });
}

}  // namespace mbr::api
