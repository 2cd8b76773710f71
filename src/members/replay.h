// Does again what a delivery brought about.
#pragma once

#include <optional>

#include "base/result.h"
#include "domain/ids.h"
#include "members/tombstones.h"
#include "store/store.h"

namespace mbr::members {

struct Replay {
  JobId refresh = 0;                // reads the delivery's contact
  std::optional<JobId> followUp{};  // repeats what it asked for, if it asked for anything
};

// Within a transaction. The body is not kept, so its data is read from ActiveCampaign instead; a
// default_pass is not kept either, so a password is generated. What is open already is not asked
// for twice.
// Errors: kNotFound (it names nobody), kConflict (the contact was erased).
Result<Replay> replayDelivery(store::Transaction& tx, const store::DeliveryRecord& delivery,
                              const Tombstones& tombstones);

}  // namespace mbr::members
