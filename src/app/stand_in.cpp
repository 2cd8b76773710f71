#include "app/stand_in.h"

namespace mbr::app {

Result<std::unique_ptr<StandIn>> StandIn::begin(store::Store& store, const config::Config& config) {
  if (daemonRuns(config)) return std::unique_ptr<StandIn>();
  std::unique_ptr<StandIn> standIn(new StandIn(config));
  // A daemon that starts now waits for this lock before it looks at leases; one that was faster has
  // the work.
  if (daemonRuns(config)) return std::unique_ptr<StandIn>();
  if (standIn->lock_.wasAlone()) {
    if (const Outcome released = releaseLeases(store); !released) return released.error();
  }
  standIn->lock_.share();
  return standIn;
}

Outcome releaseLeases(store::Store& store) {
  return store.write([](store::Transaction& tx) -> Outcome {
    tx.releaseJobs();
    tx.releaseSweep();
    return Done{};
  });
}

}  // namespace mbr::app
