#include "webhook/delivery_metrics.h"

namespace mbr::webhook {
namespace {

using Status = members::Receipt::Status;

constexpr const char* kOther = "internal";
constexpr const char* kCodes[] = {"method_not_allowed",
                                  "code",
                                  "unsupported_media_type",
                                  "too_large",
                                  "invalid_request",
                                  "contact_missing",
                                  "busy",
                                  "unavailable",
                                  kOther};

ops::Counter& takenCounter(const std::string& route, Status status) {
  return ops::counter("membergate_deliveries_total", "Webhook calls that were taken",
                      {{"route", route}, {"status", std::string(toString(status))}});
}

}  // namespace

std::string_view toString(Status status) {
  switch (status) {
    case Status::kAccepted:
      return "accepted";
    case Status::kDuplicate:
      return "duplicate";
    case Status::kIgnored:
      break;
  }
  return "ignored";
}

DeliveryMetrics::DeliveryMetrics(const std::string& route)
    : taken_{&takenCounter(route, Status::kAccepted), &takenCounter(route, Status::kDuplicate),
             &takenCounter(route, Status::kIgnored)} {
  for (const char* code : kCodes) {
    refused_[code] =
        &ops::counter("membergate_deliveries_refused_total", "Webhook calls that were refused",
                      {{"route", route}, {"code", code}});
  }
}

void DeliveryMetrics::taken(Status status) { taken_[static_cast<std::size_t>(status)]->add(); }

void DeliveryMetrics::refused(std::string_view code) {
  const auto found = refused_.find(code);
  (found == refused_.end() ? refused_.find(kOther) : found)->second->add();
}

}  // namespace mbr::webhook
