// HistoryKeeper and what reads after it.
#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <limits>
#include <string>

#include "app/history_keeper.h"
#include "app/history_view.h"
#include "members/job_payload.h"
#include "ops/metrics.h"
#include "support/failing_store.h"
#include "support/test_store.h"

namespace mbr::app {
namespace {

namespace series = pages::series;
using std::chrono::hours;
using std::chrono::minutes;

// Metrics are the process', and other tests count too: what matters is by how much they grow.
ops::Counter& received() {
  return ops::counter("membergate_deliveries_total", "Webhook calls that were taken",
                      {{"route", "events"}, {"status", "accepted"}});
}

class HistoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HistoryTest);
  CPPUNIT_TEST(whatIsCountedBecomesATotal);
  CPPUNIT_TEST(aRestartLosesNothingThatWasWritten);
  CPPUNIT_TEST(twoProcessesAddUp);
  CPPUNIT_TEST(whatCouldNotBeWrittenIsWrittenNextTime);
  CPPUNIT_TEST(queueGapsAndDeadJobsAreMeasured);
  CPPUNIT_TEST(oldRowsAreThinnedAndThenGo);
  CPPUNIT_TEST(aLineSaysWhatCameInEachStep);
  CPPUNIT_TEST(loginsTellTheirQuantiles);
  CPPUNIT_TEST(quantilesLieWithinTheirBuckets);
  CPPUNIT_TEST_SUITE_END();

  test::TestStore database;
  test::FailingStore store{database.store()};
  HistoryKeeper keeper{store};

  template <class WorkFn>
  auto read(WorkFn work) {
    std::optional<decltype(work(std::declval<store::Reader&>()))> result;
    database.read([&](store::Reader& reader) { result = work(reader); });
    return *result;
  }
  double newest(const std::string& name) {
    const auto row = read([&](store::Reader& r) { return r.findHistory(name, Instant::max()); });
    CPPUNIT_ASSERT_MESSAGE(name, row.has_value());
    return row->value;
  }
  std::size_t rows(const std::string& name) {
    return read(
        [&](store::Reader& r) { return r.readHistory(name, Instant{}, minutes{1}).size(); });
  }
  void collect(HistoryKeeper& by) { CPPUNIT_ASSERT(by.collect().ok()); }
  void collect() { collect(keeper); }
  pages::Line line(const std::string& name, const pages::Span& span) {
    return read([&](store::Reader& r) { return readHistory(r, span, database.clock().now()); })
        .lines.at(name);
  }

  void whatIsCountedBecomesATotal() {
    collect();
    const double before = newest(series::kReceived);
    received().add(3);
    database.clock().advance(minutes{1});
    collect();
    CPPUNIT_ASSERT_EQUAL(before + 3, newest(series::kReceived));
    collect();
    CPPUNIT_ASSERT_EQUAL(before + 3, newest(series::kReceived));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rows(series::kReceived));
  }

  void aRestartLosesNothingThatWasWritten() {
    collect();
    received().add(5);
    collect();
    const double before = newest(series::kReceived);
    database.reopen();
    test::FailingStore again{database.store()};
    // A new process has counted nothing; here its counters go on, so it counts all of them anew.
    HistoryKeeper next{again};
    const double counted = ops::counted("membergate_deliveries_total");
    database.clock().advance(minutes{1});
    collect(next);
    CPPUNIT_ASSERT_EQUAL(before + counted, newest(series::kReceived));
  }

  void twoProcessesAddUp() {
    HistoryKeeper other{store};
    collect();
    collect(other);
    const double before = newest(series::kReceived);
    received().add(2);  // seen by both, since they share the counters here
    collect();
    collect(other);
    CPPUNIT_ASSERT_EQUAL(before + 4, newest(series::kReceived));
  }

  void whatCouldNotBeWrittenIsWrittenNextTime() {
    collect();
    const double before = newest(series::kReceived);
    received().add(1);
    store.failAt(test::FailingStore::Step::kWork);
    CPPUNIT_ASSERT(!keeper.collect().ok());
    received().add(1);
    collect();
    CPPUNIT_ASSERT_EQUAL(before + 2, newest(series::kReceived));
  }

  void queueGapsAndDeadJobsAreMeasured() {
    database.write([&](store::Transaction& tx) {
      members::enqueueDirectories(tx);
      Job job;
      job.kind = "refresh";
      job.lane = Lane::kSite;
      const JobId dead = tx.addJob(job);
      tx.addJob(job);
      Job ended = *tx.findJob(dead);
      ended.state = JobState::kDead;
      tx.saveJob(ended);
      tx.openGap(gap_reason::kShed, tx.now(), tx.now(), false);
    });
    collect();
    CPPUNIT_ASSERT_EQUAL(1.0, newest("queue.site"));
    CPPUNIT_ASSERT_EQUAL(0.0, newest("queue.login"));
    CPPUNIT_ASSERT_EQUAL(1.0, newest(series::kDead));
    CPPUNIT_ASSERT_EQUAL(1.0, newest(series::kGaps));
  }

  void oldRowsAreThinnedAndThenGo() {
    const Instant begun = std::chrono::floor<hours>(database.clock().now());
    std::vector<store::HistoryRow> all;
    for (int i = 0; i < 180; ++i) all.push_back({series::kGaps, begun + minutes{i}, 1});
    database.write([&](store::Transaction& tx) { tx.addHistory(all); });
    CPPUNIT_ASSERT(keeper.prune().ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{180}, rows(series::kGaps));
    database.clock().advance(hours{49});
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(keeper.prune().ok());  // a day at a time
    CPPUNIT_ASSERT_EQUAL(std::size_t{124},
                         rows(series::kGaps));  // one hour of them is two days old
    database.clock().advance(hours{3});
    CPPUNIT_ASSERT(keeper.prune().ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, rows(series::kGaps));  // four an hour
    database.clock().advance(hours{90 * 24});
    CPPUNIT_ASSERT(keeper.prune().ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rows(series::kGaps));
  }

  void aLineSaysWhatCameInEachStep() {
    collect();
    database.clock().advance(minutes{1});
    received().add(4);
    collect();
    database.clock().advance(minutes{2});  // one minute is not written
    received().add(6);
    collect();
    const auto came = line(series::kReceived, pages::kSpans[0]);
    CPPUNIT_ASSERT_EQUAL(std::size_t{180}, came.size());
    CPPUNIT_ASSERT_EQUAL(6.0, came[179].value());
    CPPUNIT_ASSERT(!came[178]);
    CPPUNIT_ASSERT_EQUAL(4.0, came[177].value());
    CPPUNIT_ASSERT(!came[175]);
    const auto totals =
        read([&](store::Reader& r) { return Grown(r).since(database.clock().now() - minutes{2}); });
    CPPUNIT_ASSERT_EQUAL(10.0, totals.at(series::kReceived));
  }

  void loginsTellTheirQuantiles() {
    auto& seconds = ops::durationHistogram("membergate_login_seconds", "Logins.");
    collect();
    database.clock().advance(minutes{1});
    for (int i = 0; i < 98; ++i) seconds.observe(0.0015);
    for (int i = 0; i < 2; ++i) seconds.observe(0.7);
    collect();
    const double median = line(series::kMedian, pages::kSpans[0])[179].value();
    CPPUNIT_ASSERT(median > 0.001 && median <= 0.002);
    const double slowest = line(series::kSlowest, pages::kSpans[0])[179].value();
    CPPUNIT_ASSERT(slowest > 0.5 && slowest <= 1);
    database.clock().advance(minutes{1});
    collect();
    CPPUNIT_ASSERT(!line(series::kMedian, pages::kSpans[0])[179]);
  }

  void quantilesLieWithinTheirBuckets() {
    const double infinity = std::numeric_limits<double>::infinity();
    CPPUNIT_ASSERT(!quantile({}, 0.5));
    CPPUNIT_ASSERT(!quantile({{1, 0}, {infinity, 0}}, 0.5));
    CPPUNIT_ASSERT_DOUBLES_EQUAL(0.5, *quantile({{1, 10}, {infinity, 10}}, 0.5), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(1.8, *quantile({{1, 1}, {2, 10}, {infinity, 10}}, 0.82), 1e-9);
    CPPUNIT_ASSERT_DOUBLES_EQUAL(2, *quantile({{1, 1}, {2, 2}, {infinity, 10}}, 0.99), 1e-9);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HistoryTest);

}  // namespace
}  // namespace mbr::app
