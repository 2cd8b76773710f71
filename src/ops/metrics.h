// Counters, gauges and histograms for Prometheus; the one global of the service.
#pragma once

#include <map>
#include <string>

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
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// Names start with "membergate_"; counters end in "_total", durations in "_seconds".
Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
// Buckets for durations from 1 ms to 60 s.
Histogram& durationHistogram(const std::string& name, const std::string& help,
                             const Labels& labels = {});

// Every metric in the Prometheus text format.
std::string metricsText();

}  // namespace mbr::ops
