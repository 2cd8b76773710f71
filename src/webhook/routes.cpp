#include "webhook/routes.h"

#include <sodium.h>

#include <optional>
#include <utility>

#include "base/secret.h"
#include "http/form.h"
#include "http/problem.h"
#include "ops/log.h"
#include "webhook/caller_query.h"

namespace mbr::webhook {
namespace {

using members::Receipt;

constexpr std::size_t kDigestBytes = 16;

std::string_view toString(Receipt::Password password) {
  switch (password) {
    case Receipt::Password::kQueued:
      return "queued";
    case Receipt::Password::kPending:
      return "pending";
    case Receipt::Password::kNone:
      break;
  }
  return "none";
}

// Written by hand: once per webhook call.
http::Response render(const Receipt& receipt) {
  http::Response response;
  response.body = R"({"status":")";
  response.body += webhook::toString(receipt.status);
  response.body += R"(","contact":)";
  response.body += receipt.contact ? '"' + std::to_string(*receipt.contact) + '"' : "null";
  response.body += R"(,"password":")";
  response.body += toString(receipt.password);
  response.body += "\"}";
  return response;
}

std::string blake2b(std::string_view bytes) {
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  return digest;
}

}  // namespace

struct WebhookRoutes::Kind {
  std::string_view route;
  std::string_view codeParameter;
  access::Purpose purpose;
  bool isGenpass;  // else the query asks for nothing
  DeliveryMetrics& metrics;
};

struct WebhookRoutes::Refusal {
  int status;
  std::string_view code;
  std::string detail;
};

WebhookRoutes::WebhookRoutes(Options options, access::Codes& codes,
                             members::DeliveryApplier& applier, const Clock& clock)
    : options_(std::move(options)), codes_(codes), applier_(applier), clock_(clock) {}

void WebhookRoutes::registerOn(http::Router& router) {
  const Kind genpass{"mbr_genpass", "mbr_genpass", access::Purpose::kGenpass, true,
                     genpassMetrics_};
  const Kind events{"events", "code", access::Purpose::kEvents, false, eventMetrics_};
  router.addAction("mbr_genpass",
                   [this, genpass](const http::Request& request, const http::PathParams&,
                                   const http::Reply& reply) { serve(genpass, request, reply); });
  router.add("POST", "/membergate/hooks/events",
             [this, events](const http::Request& request, const http::PathParams&,
                            const http::Reply& reply) { serve(events, request, reply); });
}

void WebhookRoutes::serve(const Kind& kind, const http::Request& request,
                          const http::Reply& reply) {
  if (auto refusal = admit(kind, request)) return refuse(kind, request, reply, *refusal);
  const auto body = http::parseForm(request.body);
  if (!body) return refuse(kind, request, reply, {400, "invalid_request", body.error().detail});
  auto followUp = kind.isGenpass ? genpassFollowUp(request.query) : FollowUp{};
  if (!followUp) {
    return refuse(kind, request, reply, {400, "invalid_request", followUp.error().detail});
  }
  auto delivery = parseDelivery(*body, clock_.now(), options_.isHidden);
  if (!delivery) {
    if (delivery.error().code != Code::kNotFound) {
      return refuse(kind, request, reply, {400, "invalid_request", delivery.error().detail});
    }
    const std::string* type = body->find("type");
    if (type != nullptr && !type->empty() && !isAboutContact(*type)) return ignore(kind, reply);
    return refuse(
        kind, request, reply,
        {400, "contact_missing", "The body names neither contact[id] nor contact[email]."});
  }
  delivery->route = kind.route;
  delivery->requestId = request.requestId;
  delivery->followUp = std::move(*followUp);
  delivery->digest = digestOf(kind, request);
  apply(kind, std::move(*delivery), reply);
}

// What is wrong with the call before its body is looked into.
std::optional<WebhookRoutes::Refusal> WebhookRoutes::admit(const Kind& kind,
                                                           const http::Request& request) const {
  if (request.method != "POST") {
    return Refusal{405, "method_not_allowed", "This route takes POST only."};
  }
  const auto code = securityCode(request.query, kind.codeParameter);
  if (!code || !codes_.authenticate(kind.purpose, code->reveal()).has_value()) {
    return Refusal{403, "code", "The security code is missing, wrong or not for this route."};
  }
  if (request.mediaType() != "application/x-www-form-urlencoded") {
    return Refusal{415, "unsupported_media_type",
                   "The body must be application/x-www-form-urlencoded."};
  }
  if (request.bodyState == http::Request::BodyState::kTooLarge ||
      request.body.size() > options_.maxBodyBytes) {
    return Refusal{
        413, "too_large",
        "The body may have at most " + std::to_string(options_.maxBodyBytes) + " bytes."};
  }
  if (request.bodyState == http::Request::BodyState::kIncomplete) {
    return Refusal{400, "invalid_request", "The body is not as long as Content-Length says."};
  }
  return std::nullopt;
}

void WebhookRoutes::refuse(const Kind& kind, const http::Request& request, const http::Reply& reply,
                           const Refusal& refusal) const {
  kind.metrics.refused(refusal.code);
  // Whoever has no code may send any number of these.
  const bool isStranger = refusal.status == 405 || refusal.status == 403;
  ops::log(isStranger ? ops::LogLevel::kDebug : ops::LogLevel::kWarning, "delivery_refused",
           {{"route", kind.route}, {"code", refusal.code}, {"request_id", request.requestId}});
  auto response = http::problem(request, refusal.status, refusal.code, refusal.detail);
  if (refusal.status == 405) response.with("Allow", "POST");
  reply.send(std::move(response));
}

void WebhookRoutes::ignore(const Kind& kind, const http::Reply& reply) const {
  kind.metrics.taken(Receipt::Status::kIgnored);
  reply.send(render(Receipt{Receipt::Status::kIgnored, std::nullopt, Receipt::Password::kNone}));
}

void WebhookRoutes::apply(const Kind& kind, Delivery delivery, const http::Reply& reply) {
  std::string requestId = delivery.requestId;
  applier_.apply(std::move(delivery), [&metrics = kind.metrics, route = kind.route, reply,
                                       onLost = options_.onLost,
                                       requestId = std::move(requestId)](Result<Receipt> receipt) {
    if (!receipt) {
      if (onLost) onLost();
      // Whatever went wrong, the sender can only come again.
      const bool busy = receipt.error().code == Code::kBusy;
      auto response =
          http::errorResponse(requestId, Error{busy ? Code::kBusy : Code::kUnavailable,
                                               receipt.error().detail, receipt.error().retryAfter});
      metrics.refused(receipt.error().code == Code::kBusy ? "busy" : "unavailable");
      ops::logError(
          "delivery_not_kept",
          {{"route", route}, {"reason", receipt.error().detail}, {"request_id", requestId}});
      return reply.send(std::move(response));
    }
    metrics.taken(receipt->status);
    ops::logDebug("delivery_taken", {{"route", route},
                                     {"status", webhook::toString(receipt->status)},
                                     {"request_id", requestId}});
    reply.send(render(*receipt));
  });
}

// The parts are told apart by a byte that none but the last can hold.
std::string WebhookRoutes::digestOf(const Kind& kind, const http::Request& request) const {
  std::string bytes(kind.route);
  bytes.push_back('\n');
  bytes += withoutParameter(request.query, kind.codeParameter);
  bytes.push_back('\n');
  bytes += blake2b(request.body);
  std::string digest = options_.digest(bytes).substr(0, kDigestBytes);
  wipe(bytes);  // may hold a default password
  return digest;
}

}  // namespace mbr::webhook
