#include "app/history_view.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "domain/job.h"
#include "ops/metrics.h"

namespace mbr::app {
namespace {

namespace series = pages::series;

constexpr double kMedianShare = 0.5;
constexpr double kSlowestShare = 0.99;

std::vector<std::string> counting() {
  std::vector<std::string> names{series::kReceived, series::kShed, series::kRepaired,
                                 series::kRequests, series::kTooMany};
  for (const char* result : pages::kLoginResults) {
    names.push_back(std::string(series::kLogins) + result);
  }
  return names;
}

std::vector<std::string> measuring() {
  std::vector<std::string> names{series::kGaps, series::kDead};
  for (int lane = 0; lane < kLaneCount; ++lane) {
    names.push_back(series::kQueue + std::string(toString(static_cast<Lane>(lane))));
  }
  return names;
}

std::vector<double> loginBounds() {
  std::vector<double> bounds;
  for (const auto& bucket : ops::observed("membergate_login_seconds")) {
    bounds.push_back(bucket.upTo);
  }
  return bounds;
}

double totalAt(store::Reader& reader, const std::string& name, Instant at) {
  const auto row = reader.findHistory(name, at);
  return row ? row->value : 0;
}

// The steps of a span, and what each holds of a series.
class Steps {
 public:
  Steps(store::Reader& reader, const pages::Span& span, Instant now)
      : reader_(reader), step_(span.step) {
    const auto last = now.time_since_epoch() / step_;
    count_ = static_cast<std::size_t>(span.length / span.step);
    from_ = Instant{step_ * (last - static_cast<std::int64_t>(count_) + 1)};
  }

  Instant from() const { return from_; }

  pages::Line measured(const std::string& name) const {
    pages::Line line(count_);
    for (const auto& row : reader_.readHistory(name, from_, step_)) {
      const auto step = static_cast<std::size_t>((row.at - from_) / step_);
      if (step < count_) line[step] = row.value;
    }
    return line;
  }

  // What a total grew by. A process that wrote late tells of its gap too.
  pages::Line counted(const std::string& name) const {
    double before = totalAt(reader_, name, from_ - Milliseconds{1});
    pages::Line line = measured(name);
    for (auto& value : line) {
      if (!value) continue;
      const double total = *value;
      value = std::max(0.0, total - before);
      before = total;
    }
    return line;
  }

 private:
  store::Reader& reader_;
  const Milliseconds step_;
  std::size_t count_ = 0;
  Instant from_{};
};

void addLatency(const Steps& steps, std::map<std::string, pages::Line>& lines) {
  std::vector<std::pair<double, pages::Line>> within;
  for (const double bound : loginBounds()) {
    within.emplace_back(bound, steps.counted(loginsWithin(bound)));
  }
  if (within.empty()) return;
  pages::Line& median = lines[series::kMedian];
  pages::Line& slowest = lines[series::kSlowest];
  for (std::size_t step = 0; step < within.front().second.size(); ++step) {
    Distribution distribution;
    for (const auto& [bound, line] : within) {
      distribution.emplace_back(bound, line[step].value_or(0));
    }
    median.push_back(quantile(distribution, kMedianShare));
    slowest.push_back(quantile(distribution, kSlowestShare));
  }
}

}  // namespace

std::string loginsWithin(double seconds) {
  std::ostringstream name;
  name << "logins.within." << seconds;
  return name.str();
}

pages::StatusHistory readHistory(store::Reader& reader, const pages::Span& span, Instant now) {
  const Steps steps(reader, span, now);
  pages::StatusHistory history{steps.from(), span.step, {}};
  for (const auto& name : counting()) history.lines[name] = steps.counted(name);
  for (const auto& name : measuring()) history.lines[name] = steps.measured(name);
  addLatency(steps, history.lines);
  return history;
}

Grown::Grown(store::Reader& reader) : reader_(reader), bounds_(loginBounds()) {
  const auto read = [&](const std::string& name) {
    newest_[name] = totalAt(reader, name, Instant::max());
  };
  for (const auto& name : counting()) read(name);
  for (const double bound : bounds_) read(loginsWithin(bound));
}

pages::Totals Grown::since(Instant since) const {
  const Instant before = std::chrono::floor<std::chrono::minutes>(since) - Milliseconds{1};
  const auto grown = [&](const std::string& name) {
    return std::max(0.0, newest_.at(name) - totalAt(reader_, name, before));
  };
  pages::Totals totals;
  for (const auto& name : counting()) totals[name] = grown(name);
  Distribution distribution;
  for (const double bound : bounds_) distribution.emplace_back(bound, grown(loginsWithin(bound)));
  if (const auto median = quantile(distribution, kMedianShare)) totals[series::kMedian] = *median;
  if (const auto slow = quantile(distribution, kSlowestShare)) totals[series::kSlowest] = *slow;
  return totals;
}

std::optional<double> quantile(const Distribution& distribution, double q) {
  if (distribution.empty() || distribution.back().second <= 0) return std::nullopt;
  const double wanted = q * distribution.back().second;
  double lower = 0;
  double below = 0;
  for (const auto& [bound, seen] : distribution) {
    if (seen >= wanted && seen > below) {
      if (std::isinf(bound)) return lower;
      return lower + (bound - lower) * (wanted - below) / (seen - below);
    }
    lower = bound;
    below = seen;
  }
  return lower;
}

}  // namespace mbr::app
