// GET /membergate/v1/openapi.yaml: the contract of the API.
#pragma once

#include <string>

#include "http/router.h"

namespace mbr::api {

// The text of src/api/openapi.yaml, which the binary carries.
const std::string& openapiText();

// No key is needed.
void registerDocumentRoutes(http::Router& router);

}  // namespace mbr::api
