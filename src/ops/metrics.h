// Counters, gauges and histograms for Prometheus; the one global of the service.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mbr::ops {

using Labels = std::map<std::string, std::string>;

// Thread-safe. References returned below stay valid until the process ends, so a caller looks its
// metric up once and keeps it.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1) = 0;
  virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double amount) = 0;
};

class Histogram {
 public:
  struct Bucket {
    double upTo = 0;         // infinite for the last
    std::uint64_t seen = 0;  // observations of at most that
  };

  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
  virtual std::vector<Bucket> buckets() const = 0;  // ascending
};

// Names start with "membergate_"; counters end in "_total", durations in "_seconds".
Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
// Buckets for durations from 1 ms to 60 s.
Histogram& durationHistogram(const std::string& name, const std::string& help,
                             const Labels& labels = {});

// The sum of all counters of that name that have these labels among theirs; 0 if there is none.
double counted(const std::string& name, const Labels& with = {});

// The buckets of a histogram without labels; none if there is no such histogram.
std::vector<Histogram::Bucket> observed(const std::string& name);

// Every metric in the Prometheus text format.
std::string metricsText();

}  // namespace mbr::ops
