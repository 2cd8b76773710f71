// Writes down what the status page draws.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace mbr::app {

// What is counted goes into the store as a total that only grows: each process adds what it has
// counted since it last wrote. So a restart loses at most what came since, several processes on one
// database add up, and old rows can be thinned without adding any up. What is measured (queue,
// gaps) goes in as it is.
//
// A row of each series a minute, kept two days; then the last one of each 15 minutes, kept 90 days.
//
// One thread at a time; waits for the store.
class HistoryKeeper {
 public:
  // `store` must outlive the keeper.
  explicit HistoryKeeper(store::Store& store) : store_(store) {}

  // Once a minute, and at the end. Errors: the store's; what was not written is written next time.
  Outcome collect();

  // Every few minutes; takes at most a day's rows at a time. Errors: the store's.
  Outcome prune();

 private:
  store::Store& store_;
  std::map<std::string, double> written_;  // how much of this process' counts is in the store
};

}  // namespace mbr::app
