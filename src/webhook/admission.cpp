#include "webhook/admission.h"

#include <utility>

#include "http/problem.h"
#include "ops/log.h"
#include "webhook/caller_query.h"

namespace mbr::webhook {

Admission admit(const FormRoute& route, const http::Request& request, access::Codes& codes) {
  using BodyState = http::Request::BodyState;
  const auto refuse = [](int status, std::string_view code, std::string detail) {
    return Admission{{}, Refusal{status, code, std::move(detail)}};
  };
  if (request.method != "POST") {
    return refuse(405, "method_not_allowed", std::string(route.otherMethods));
  }
  const auto code = securityCode(request.query, route.codeParameter);
  auto caller = code ? codes.authenticate(route.purpose, code->reveal()) : std::nullopt;
  if (!caller) {
    return refuse(403, "code", "The security code is missing, wrong or not for this route.");
  }
  if (request.mediaType() != "application/x-www-form-urlencoded") {
    return refuse(415, "unsupported_media_type",
                  "The body must be application/x-www-form-urlencoded.");
  }
  if (request.bodyState == BodyState::kTooLarge || request.body.size() > route.maxBodyBytes) {
    return refuse(413, "too_large",
                  "The body may have at most " + std::to_string(route.maxBodyBytes) + " bytes.");
  }
  if (request.bodyState == BodyState::kIncomplete) {
    return refuse(400, "invalid_request", "The body is not as long as Content-Length says.");
  }
  return {*std::move(caller), std::nullopt};
}

http::Response refused(const FormRoute& route, const http::Request& request,
                       const Refusal& refusal) {
  // Whoever has no code may send any number of these.
  const bool isStranger = refusal.status == 405 || refusal.status == 403;
  ops::log(isStranger ? ops::LogLevel::kDebug : ops::LogLevel::kWarning, "delivery_refused",
           {{"route", route.name}, {"code", refusal.code}, {"request_id", request.requestId}});
  auto response = http::problem(request, refusal.status, refusal.code, refusal.detail);
  if (refusal.status == 405) response.with("Allow", "POST");
  return response;
}

}  // namespace mbr::webhook
