#include "ops/metrics.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace mbr;

void assertShown(const std::string& line) {
  CPPUNIT_ASSERT_MESSAGE(line, ops::metricsText().find(line) != std::string::npos);
}

class MetricsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MetricsTest);
  CPPUNIT_TEST(aCounterIsShownWithItsHelp);
  CPPUNIT_TEST(oneNameAndLabelsAreOneMetric);
  CPPUNIT_TEST(labelsTellMetricsApart);
  CPPUNIT_TEST(aGaugeGoesUpAndDown);
  CPPUNIT_TEST(aHistogramCountsByDuration);
  CPPUNIT_TEST(aHistogramTellsItsBuckets);
  CPPUNIT_TEST(countersOfOneNameAreSummedByLabel);
  CPPUNIT_TEST(threadsMayCountAtOnce);
  CPPUNIT_TEST_SUITE_END();

  void aCounterIsShownWithItsHelp() {
    ops::counter("membergate_test_shown_total", "Shown in tests.").add(2);
    assertShown("# HELP membergate_test_shown_total Shown in tests.");
    assertShown("# TYPE membergate_test_shown_total counter");
    assertShown("membergate_test_shown_total 2");
  }

  void oneNameAndLabelsAreOneMetric() {
    auto& first = ops::counter("membergate_test_same_total", "Same.", {{"a", "1"}});
    auto& second = ops::counter("membergate_test_same_total", "Same.", {{"a", "1"}});
    CPPUNIT_ASSERT(&first == &second);
  }

  void labelsTellMetricsApart() {
    ops::counter("membergate_test_apart_total", "Apart.", {{"status", "200"}}).add();
    ops::counter("membergate_test_apart_total", "Apart.", {{"status", "500"}}).add(3);
    assertShown("membergate_test_apart_total{status=\"200\"} 1");
    assertShown("membergate_test_apart_total{status=\"500\"} 3");
  }

  void aGaugeGoesUpAndDown() {
    auto& gauge = ops::gauge("membergate_test_gauge", "Up and down.");
    gauge.set(5);
    gauge.add(-2);
    assertShown("membergate_test_gauge 3");
  }

  void aHistogramCountsByDuration() {
    auto& histogram = ops::durationHistogram("membergate_test_seconds", "Durations.");
    histogram.observe(0.0005);
    histogram.observe(0.7);
    histogram.observe(100);
    assertShown("membergate_test_seconds_bucket{le=\"0.001\"} 1");
    assertShown("membergate_test_seconds_bucket{le=\"1\"} 2");
    assertShown("membergate_test_seconds_bucket{le=\"60\"} 2");
    assertShown("membergate_test_seconds_count 3");
  }

  void aHistogramTellsItsBuckets() {
    auto& histogram = ops::durationHistogram("membergate_test_bucket_seconds", "Durations.");
    for (const double seconds : {0.0005, 0.7, 100.0}) histogram.observe(seconds);
    const auto buckets = histogram.buckets();
    CPPUNIT_ASSERT_EQUAL(std::size_t{16}, buckets.size());
    CPPUNIT_ASSERT_EQUAL(0.001, buckets.front().upTo);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, buckets.front().seen);
    CPPUNIT_ASSERT(std::isinf(buckets.back().upTo));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, buckets[14].seen);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, buckets.back().seen);
    CPPUNIT_ASSERT_EQUAL(std::size_t{16}, ops::observed("membergate_test_bucket_seconds").size());
    CPPUNIT_ASSERT(ops::observed("membergate_test_unknown_seconds").empty());
  }

  void countersOfOneNameAreSummedByLabel() {
    const std::string name = "membergate_test_summed_total";
    ops::counter(name, "Summed.", {{"route", "a"}, {"status", "1"}}).add(1);
    ops::counter(name, "Summed.", {{"route", "a"}, {"status", "2"}}).add(2);
    ops::counter(name, "Summed.", {{"route", "b"}, {"status", "1"}}).add(4);
    ops::counter(name + "_more", "Another.", {{"route", "a"}}).add(8);
    CPPUNIT_ASSERT_EQUAL(7.0, ops::counted(name));
    CPPUNIT_ASSERT_EQUAL(3.0, ops::counted(name, {{"route", "a"}}));
    CPPUNIT_ASSERT_EQUAL(1.0, ops::counted(name, {{"status", "1"}, {"route", "a"}}));
    CPPUNIT_ASSERT_EQUAL(0.0, ops::counted(name, {{"route", "c"}}));
    CPPUNIT_ASSERT_EQUAL(0.0, ops::counted("membergate_test_unknown_total"));
  }

  void threadsMayCountAtOnce() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 1000; ++n) ops::counter("membergate_test_many_total", "Many.").add();
      });
    }
    for (auto& thread : threads) thread.join();
    CPPUNIT_ASSERT_EQUAL(4000.0, ops::counter("membergate_test_many_total", "Many.").value());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MetricsTest);

}  // namespace
