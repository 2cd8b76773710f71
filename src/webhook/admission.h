// What a route that is opened by a security code asks of a call before it looks into the body.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "access/codes.h"
#include "http/request.h"
#include "http/response.h"

namespace mbr::webhook {

struct Refusal {
  int status = 0;
  std::string_view code;  // of problem+json
  std::string detail;
};

// A POST of a form with a code in its query.
struct FormRoute {
  std::string_view name;           // for the log
  std::string_view codeParameter;  // of the query
  access::Purpose purpose;
  std::size_t maxBodyBytes;
  std::string_view otherMethods = "This route takes POST only.";
};

struct Admission {
  access::CodeInfo caller;  // whose code it is, unless the call is refused
  std::optional<Refusal> refusal;
};

// Checked in this order: method 405, code 403, content type 415, size 413, length 400.
Admission admit(const FormRoute& route, const http::Request& request, access::Codes& codes);

// The refusal as the caller is told it, with Allow: POST for 405. Logs it.
http::Response refused(const FormRoute& route, const http::Request& request,
                       const Refusal& refusal);

}  // namespace mbr::webhook
