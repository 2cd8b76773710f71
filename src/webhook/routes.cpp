#include "webhook/routes.h"

#include <sodium.h>

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

}  // namespace

struct WebhookRoutes::Kind {
  enum class Does { kGenpass, kEvents, kClearuser };
  Does does;
  FormRoute route;
  DeliveryMetrics& metrics;
};

WebhookRoutes::WebhookRoutes(Options options, access::Codes& codes,
                             members::DeliveryApplier& applier, members::MemberClearer& clearer,
                             const Clock& clock)
    : options_(std::move(options)),
      codes_(codes),
      applier_(applier),
      clearer_(clearer),
      clock_(clock) {}

void WebhookRoutes::registerOn(http::Router& router) {
  using access::Purpose;
  const std::size_t most = options_.maxBodyBytes;
  const Kind genpass{Kind::Does::kGenpass,
                     {"mbr_genpass", "mbr_genpass", Purpose::kGenpass, most},
                     genpassMetrics_};
  const Kind clearuser{Kind::Does::kClearuser,
                       {"mbr_clearuser", "mbr_clearuser", Purpose::kClearuser, most},
                       clearuserMetrics_};
  const Kind events{Kind::Does::kEvents, {"events", "code", Purpose::kEvents, most}, eventMetrics_};
  const auto serving = [this](const Kind& kind) {
    return [this, kind](const http::Request& request, const http::PathParams&,
                        const http::Reply& reply) { serve(kind, request, reply); };
  };
  router.addAction("mbr_genpass", serving(genpass));
  router.addAction("mbr_clearuser", serving(clearuser));
  router.add("POST", "/membergate/hooks/events", serving(events));
}

void WebhookRoutes::serve(const Kind& kind, const http::Request& request,
                          const http::Reply& reply) {
  auto admission = admit(kind.route, request, codes_);
  if (admission.refusal) return refuse(kind, request, reply, *admission.refusal);
  const auto body = http::parseForm(request.body);
  if (!body) return refuse(kind, request, reply, {400, "invalid_request", body.error().detail});
  auto followUp = kind.does == Kind::Does::kGenpass ? genpassFollowUp(request.query) : FollowUp{};
  if (!followUp) {
    return refuse(kind, request, reply, {400, "invalid_request", followUp.error().detail});
  }
  auto delivery = parseDelivery(*body, clock_.now(), options_.hiddenFields());
  if (!delivery) {
    if (delivery.error().code != Code::kNotFound) {
      return refuse(kind, request, reply, {400, "invalid_request", delivery.error().detail});
    }
    const std::string_view* type = body->find("type");
    if (type != nullptr && !type->empty() && !isAboutContact(*type)) return ignore(kind, reply);
    return refuse(
        kind, request, reply,
        {400, "contact_missing", "The body names neither contact[id] nor contact[email]."});
  }
  delivery->route = kind.route.name;
  delivery->requestId = request.requestId;
  delivery->followUp = std::move(*followUp);
  delivery->digest = digestOf(kind, request);
  auto answer = answerTo(kind, request.requestId, reply);
  if (kind.does != Kind::Does::kClearuser) {
    return applier_.apply(std::move(*delivery), std::move(answer));
  }
  clearer_.clear(std::move(*delivery), "code:" + std::to_string(admission.caller.id),
                 std::move(answer));
}

void WebhookRoutes::refuse(const Kind& kind, const http::Request& request, const http::Reply& reply,
                           const Refusal& refusal) const {
  kind.metrics.refused(refusal.code);
  reply.send(refused(kind.route, request, refusal));
}

void WebhookRoutes::ignore(const Kind& kind, const http::Reply& reply) const {
  kind.metrics.taken(Receipt::Status::kIgnored);
  reply.send(render(Receipt{Receipt::Status::kIgnored, std::nullopt, Receipt::Password::kNone}));
}

members::DeliveryApplier::DoneFn WebhookRoutes::answerTo(const Kind& kind, std::string requestId,
                                                         const http::Reply& reply) const {
  return [&metrics = kind.metrics, route = kind.route.name, reply, onLost = options_.onLost,
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
    if (ops::logs(ops::LogLevel::kDebug)) {
      ops::logDebug("delivery_taken", {{"route", route},
                                       {"status", webhook::toString(receipt->status)},
                                       {"request_id", requestId}});
    }
    reply.send(render(*receipt));
  };
}

// The parts are told apart by a byte that none but the last can hold.
std::string WebhookRoutes::digestOf(const Kind& kind, const http::Request& request) const {
  const std::string& key = options_.digestKey.reveal();
  crypto_generichash_state state;
  crypto_generichash_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                          kDigestBytes);
  const auto add = [&](std::string_view part) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  };
  const Secret query = Secret::take(withoutParameter(request.query, kind.route.codeParameter));
  add(kind.route.name);
  add("\n");
  add(query.reveal());
  add("\n");
  add(request.body);
  std::string digest(kDigestBytes, '\0');
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(digest.data()), kDigestBytes);
  return digest;
}

}  // namespace mbr::webhook
