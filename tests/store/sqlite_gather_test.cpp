// While somebody logs in, what is to be written gathers for a moment.
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <future>

#include "ops/metrics.h"
#include "store/sql/sql_store.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace mbr::test {
namespace {

using store::sql::SqlStore;

class SqliteGatherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SqliteGatherTest);
  CPPUNIT_TEST(whileAPasswordIsHashedPiecesShareACommit);
  CPPUNIT_TEST(otherwiseNobodyWaits);
  CPPUNIT_TEST_SUITE_END();

  FakeClock clock_;
  TempDir dir_;
  std::atomic<int> hashing_{0};
  std::unique_ptr<SqlStore> store_;

  static double commits() {
    return ops::counter("membergate_store_commits_total", "Commits, each of a group of pieces")
        .value();
  }
  void open(Milliseconds gather) {
    SqlStore::Options options;
    options.path = dir_.file("membergate.db");
    options.hashing = &hashing_;
    options.gather = gather;
    auto opened = SqlStore::open(options, clock_);
    CPPUNIT_ASSERT(opened.ok());
    store_ = std::move(*opened);
  }
  std::future<Outcome> submit() {
    auto promise = std::make_shared<std::promise<Outcome>>();
    store_->submit(
        [](store::Transaction& tx) -> Outcome {
          tx.setMeta("a", "b");
          return Done{};
        },
        [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }

  void whileAPasswordIsHashedPiecesShareACommit() {
    open(std::chrono::seconds{2});
    hashing_ = 1;
    const double before = commits();
    auto first = submit();
    auto second = submit();
    CPPUNIT_ASSERT(first.get().ok() && second.get().ok());
    CPPUNIT_ASSERT_EQUAL(before + 1, commits());
  }

  void otherwiseNobodyWaits() {
    open(std::chrono::minutes{10});  // the test's own bound is shorter
    CPPUNIT_ASSERT(submit().get().ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteGatherTest);

}  // namespace
}  // namespace mbr::test
