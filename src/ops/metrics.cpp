#include "ops/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace mbr::ops {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void add(double amount) override { counter_.Increment(amount); }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }
  void add(double amount) override { gauge_.Increment(amount); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void observe(double value) override { histogram_.Observe(value); }
  std::vector<Bucket> buckets() const override {
    std::vector<Bucket> all;
    for (const auto& bucket : histogram_.Collect().histogram.bucket) {
      all.push_back({bucket.upper_bound, bucket.cumulative_count});
    }
    return all;
  }

 private:
  prometheus::Histogram& histogram_;
};

const prometheus::Histogram::BucketBoundaries& durationBuckets() {
  static const prometheus::Histogram::BucketBoundaries kBuckets{
      0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60};
  return kBuckets;
}

// Hands out one wrapper per name and labels, however often it is asked for.
template <class Wrapper>
class Wrappers {
 public:
  template <class Make>
  Wrapper& find(const std::string& name, const Labels& labels, const Make& make) {
    const std::lock_guard lock(mutex_);
    auto& slot = held_[{name, labels}];
    if (!slot) slot = std::make_unique<Wrapper>(make());
    return *slot;
  }

  template <class See>
  void each(const std::string& name, const Labels& with, const See& see) const {
    const std::lock_guard lock(mutex_);
    for (auto held = held_.lower_bound({name, {}}); held != held_.end(); ++held) {
      const auto& [known, labels] = held->first;
      if (known != name) return;
      // Both are in order.
      if (std::includes(labels.begin(), labels.end(), with.begin(), with.end())) {
        see(*held->second);
      }
    }
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, Labels>, std::unique_ptr<Wrapper>> held_;  // guarded by mutex_
};

struct Registered {
  prometheus::Registry registry;
  Wrappers<PrometheusCounter> counters;
  Wrappers<PrometheusGauge> gauges;
  Wrappers<PrometheusHistogram> histograms;
};

// Never destroyed: threads may count until the process is gone.
Registered& registered() {
  static Registered& held = *new Registered;
  return held;
}

}  // namespace

Counter& counter(const std::string& name, const std::string& help, const Labels& labels) {
  auto& all = registered();
  return all.counters.find(name, labels, [&]() -> prometheus::Counter& {
    return prometheus::BuildCounter().Name(name).Help(help).Register(all.registry).Add(labels);
  });
}

Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) {
  auto& all = registered();
  return all.gauges.find(name, labels, [&]() -> prometheus::Gauge& {
    return prometheus::BuildGauge().Name(name).Help(help).Register(all.registry).Add(labels);
  });
}

Histogram& durationHistogram(const std::string& name, const std::string& help,
                             const Labels& labels) {
  auto& all = registered();
  return all.histograms.find(name, labels, [&]() -> prometheus::Histogram& {
    return prometheus::BuildHistogram()
        .Name(name)
        .Help(help)
        .Register(all.registry)
        .Add(labels, durationBuckets());
  });
}

double counted(const std::string& name, const Labels& with) {
  double sum = 0;
  registered().counters.each(name, with,
                             [&](const PrometheusCounter& counter) { sum += counter.value(); });
  return sum;
}

std::vector<Histogram::Bucket> observed(const std::string& name) {
  std::vector<Histogram::Bucket> buckets;
  registered().histograms.each(name, {}, [&](const PrometheusHistogram& histogram) {
    if (buckets.empty()) buckets = histogram.buckets();
  });
  return buckets;
}

std::string metricsText() {
  return prometheus::TextSerializer().Serialize(registered().registry.Collect());
}

}  // namespace mbr::ops
