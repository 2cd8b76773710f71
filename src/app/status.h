// How the service does, for GET /membergate/v1/status.
#pragma once

#include <atomic>
#include <cstdint>

#include "activecampaign/breaker.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace mbr::app {

// What of it lies in the store.
struct StoreStatus {
  json::Array jobs;       // [{"lane","state","count"}]: open and dead ones
  json::Value lastSweep;  // null if there was none
  std::int64_t gapsOpen = 0;
  json::Object budget;
};
// `rate`: ActiveCampaign's budget in requests a second.
StoreStatus readStoreStatus(store::Reader& reader, Instant now, double rate);

// Thread-safe.
class Status {
 public:
  // Both must outlive the object. `rate`: ActiveCampaign's budget in requests a second.
  Status(store::Store& store, const activecampaign::Breaker& breaker, const Clock& clock,
         double rate)
      : store_(store), breaker_(breaker), clock_(clock), rate_(rate), startedAt_(clock.now()) {}

  // {"version","started_at","store","activecampaign","jobs","gaps_open","last_sweep","contacts"}.
  // Quick; `contacts` is as of the last count(). Errors: those of the store.
  Result<json::Object> read() const;

  std::int64_t contacts() const { return contacts_; }  // as of the last count()
  Instant startedAt() const { return startedAt_; }

  // Counts the contacts, which may take some milliseconds; for a background thread.
  void count();

 private:
  store::Store& store_;
  const activecampaign::Breaker& breaker_;
  const Clock& clock_;
  const double rate_;
  const Instant startedAt_;
  std::atomic<std::int64_t> contacts_{0};
};

}  // namespace mbr::app
