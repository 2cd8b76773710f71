#include "members/replay.h"

#include <string>
#include <vector>

#include "base/json.h"
#include "domain/email.h"
#include "members/job_payload.h"

namespace mbr::members {
namespace {

std::vector<std::int64_t> ids(const json::Value& array) {
  std::vector<std::int64_t> all;
  const json::Array* values = array.asArray();
  if (values == nullptr) return all;
  for (const json::Value& value : *values) {
    if (const std::int64_t* id = value.asInt()) all.push_back(*id);
  }
  return all;
}

JobId repeat(store::Transaction& tx, const store::DeliveryRecord& delivery,
             const json::Value& asked) {
  PasswordPayload payload;
  payload.contactId = delivery.contactId;
  payload.email = delivery.email;
  if (const bool* wanted = asked["autoregister"].asBool()) payload.autoregister = *wanted;
  payload.steps = stepsOf(ids(asked["tags"]), ids(asked["automations"]));
  bool added = false;
  const JobId job = enqueuePassword(tx, payload, {}, &added);
  if (added || holdsSteps(tx, job, payload.steps)) return job;
  return enqueueFollowUp(tx, job, payload);
}

}  // namespace

Result<Replay> replayDelivery(store::Transaction& tx, const store::DeliveryRecord& delivery,
                              const Tombstones& tombstones) {
  const auto email = Email::parse(delivery.email);
  if (!delivery.contactId && !email) {
    return Error{Code::kNotFound,
                 "delivery " + std::to_string(delivery.id) + " names nobody (any more)"};
  }
  if (tombstones.covers(tx, delivery.contactId, email)) {
    return Error{Code::kConflict,
                 "the contact of delivery " + std::to_string(delivery.id) + " was erased"};
  }
  Replay replay;
  replay.refresh = enqueueRefresh(tx, {delivery.contactId, delivery.email, tx.now()});
  if (delivery.followUp.empty()) return replay;
  const auto asked = json::parse(delivery.followUp);
  if (!asked) return asked.error();
  replay.followUp = repeat(tx, delivery, *asked);
  return replay;
}

}  // namespace mbr::members
