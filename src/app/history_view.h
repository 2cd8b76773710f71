// Reads what HistoryKeeper wrote.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "pages/status_series.h"
#include "store/store.h"

namespace mbr::app {

// The series that counts logins decided within so many seconds; infinity: all.
std::string loginsWithin(double seconds);

// Up to `now`; the step that `now` lies in is the last.
pages::StatusHistory readHistory(store::Reader& reader, const pages::Span& span, Instant now);

// What came of late. For as long as the reader.
class Grown {
 public:
  explicit Grown(store::Reader& reader);  // reads the newest totals
  // Since the minute began that `since` lies in.
  pages::Totals since(Instant since) const;

 private:
  store::Reader& reader_;
  const std::vector<double> bounds_;      // of login times
  std::map<std::string, double> newest_;  // by series
};

// How many observations were at most so large: bounds ascend, the last is infinite.
using Distribution = std::vector<std::pair<double, double>>;

// The value that a share `q` of the observations does not exceed, taken to be spread evenly within
// the bounds; beyond the last finite bound that bound. Nothing without observations. Pure.
std::optional<double> quantile(const Distribution& distribution, double q);

}  // namespace mbr::app
