// The routes that ActiveCampaign calls.
//
// Every answer says that the call's effects are on disk, or that they are not: 200 follows the
// commit. Never 410 (ActiveCampaign would drop the webhook) and no redirect.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "access/codes.h"
#include "base/clock.h"
#include "http/router.h"
#include "members/delivery_applier.h"
#include "members/member_clearer.h"
#include "webhook/admission.h"
#include "webhook/delivery_metrics.h"
#include "webhook/delivery_parser.h"

namespace mbr::webhook {

// Handlers may run on several fast workers at once.
class WebhookRoutes {
 public:
  struct Options {
    std::size_t maxBodyBytes = 256 * 1024;
    // Required; must be thread-safe. Asked once for each call.
    std::function<HiddenField()> hiddenFields;
    // Required: 16 to 64 bytes that outlive restarts (KeyRing::subkey). What is kept of a call's
    // URL and body is a digest under this key, since a URL may hold a default password.
    Secret digestKey;
    std::function<void()> onLost{};  // a call was answered 503; on any thread, must not wait
  };

  // All of them must outlive the routes, and the routes every reply that is still open.
  WebhookRoutes(Options options, access::Codes& codes, members::DeliveryApplier& applier,
                members::MemberClearer& clearer, const Clock& clock);

  // The actions `mbr_genpass` and `mbr_clearuser`, and POST /membergate/hooks/events.
  //
  // Checked in this order: method 405, code 403, content type 415, size 413, length and encoding
  // 400, query 400, contact 400. 200: {"status":"accepted|duplicate|ignored","contact":"42"|null,
  // "password":"queued|pending|none"}. 503 with Retry-After if the store could not keep it.
  //
  // Of an `mbr_clearuser` call only who it is about counts, see MemberClearer: the data of its body
  // and other parameters (`reassign`) change nothing, and repeating it is harmless.
  void registerOn(http::Router& router);

 private:
  struct Kind;

  void serve(const Kind& kind, const http::Request& request, const http::Reply& reply);
  void refuse(const Kind& kind, const http::Request& request, const http::Reply& reply,
              const Refusal& refusal) const;
  void ignore(const Kind& kind, const http::Reply& reply) const;
  members::DeliveryApplier::DoneFn answerTo(const Kind& kind, std::string requestId,
                                            const http::Reply& reply) const;
  std::string digestOf(const Kind& kind, const http::Request& request) const;

  const Options options_;
  access::Codes& codes_;
  members::DeliveryApplier& applier_;
  members::MemberClearer& clearer_;
  const Clock& clock_;
  DeliveryMetrics genpassMetrics_{"mbr_genpass"};
  DeliveryMetrics clearuserMetrics_{"mbr_clearuser"};
  DeliveryMetrics eventMetrics_{"events"};
};

}  // namespace mbr::webhook
