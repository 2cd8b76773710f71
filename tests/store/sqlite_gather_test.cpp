// While somebody logs in, what is to be written gathers for a moment; what they wait for goes
// ahead, what nobody waits for gives way.
#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <optional>

#include "ops/metrics.h"
#include "store/sql/sql_store.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace mbr::test {
namespace {

using store::sql::SqlStore;

class SqliteGatherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SqliteGatherTest);
  CPPUNIT_TEST(whileSomebodyLogsInPiecesShareACommit);
  CPPUNIT_TEST(otherwiseNobodyWaits);
  CPPUNIT_TEST(whatGoesAheadDoesNotGather);
  CPPUNIT_TEST(noQueueShutsOutAnother);
  CPPUNIT_TEST(aFullQueueLeavesRoomAhead);
  CPPUNIT_TEST(aWriteGivesWay);
  CPPUNIT_TEST(butNotForLong);
  CPPUNIT_TEST_SUITE_END();

  static constexpr std::chrono::minutes kForEver{10};  // the test's own bound is shorter

  FakeClock clock_;
  TempDir dir_;
  RightOfWay logins_{kForEver};
  RightOfWay shortLogins_{Milliseconds{2}};
  SqlStore::Options options_;
  std::unique_ptr<SqlStore> store_;

  static double commits() {
    return ops::counter("membergate_store_commits_total", "Commits, each of a group of pieces")
        .value();
  }
  void open(Milliseconds gather) {
    options_.path = dir_.file("membergate.db");
    if (options_.loginsFirst == nullptr) options_.loginsFirst = &logins_;
    options_.gather = gather;
    auto opened = SqlStore::open(options_, clock_);
    CPPUNIT_ASSERT(opened.ok());
    store_ = std::move(*opened);
  }
  static Outcome work(store::Transaction& tx) {
    tx.setMeta("a", "b");
    return Done{};
  }
  std::future<Outcome> submit() { return send(&SqlStore::submit); }
  std::future<Outcome> submitAhead() { return send(&SqlStore::submitAhead); }
  std::future<Outcome> send(void (SqlStore::*way)(SqlStore::Work, SqlStore::DoneFn)) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    ((*store_).*way)(work, [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }
  std::future<Outcome> write() {
    return std::async(std::launch::async, [this] { return store_->write(work); });
  }
  static bool isThere(const std::future<Outcome>& outcome) {
    return outcome.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }

  void whileSomebodyLogsInPiecesShareACommit() {
    open(std::chrono::seconds{2});
    const RightOfWay::Hold login(&logins_);
    const double before = commits();
    auto first = submit();
    auto second = submit();
    CPPUNIT_ASSERT(first.get().ok() && second.get().ok());
    CPPUNIT_ASSERT_EQUAL(before + 1, commits());
  }

  void otherwiseNobodyWaits() {
    open(kForEver);
    CPPUNIT_ASSERT(submit().get().ok());
  }

  void whatGoesAheadDoesNotGather() {
    open(kForEver);
    const RightOfWay::Hold login(&logins_);
    auto waits = submit();
    CPPUNIT_ASSERT(submitAhead().get().ok());
    CPPUNIT_ASSERT_MESSAGE("it shared the commit of what gathers", !isThere(waits));
    store_.reset();
    CPPUNIT_ASSERT(waits.get().ok());
  }

  void noQueueShutsOutAnother() {
    open(kForEver);
    const RightOfWay::Hold login(&logins_);
    auto waits = submit();
    CPPUNIT_ASSERT(submitAhead().get().ok());
    CPPUNIT_ASSERT(submitAhead().get().ok());
    CPPUNIT_ASSERT(waits.get().ok());
  }

  void aFullQueueLeavesRoomAhead() {
    options_.maxWaiting = 1;
    open(kForEver);
    const RightOfWay::Hold login(&logins_);
    auto waits = submit();
    CPPUNIT_ASSERT(submit().get().error().code == Code::kBusy);
    CPPUNIT_ASSERT(submitAhead().get().ok());
    store_.reset();
    CPPUNIT_ASSERT(waits.get().ok());
  }

  void aWriteGivesWay() {
    open(Milliseconds{1});
    std::optional<RightOfWay::Hold> login(&logins_);
    auto background = write();
    for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(submit().get().ok());
    CPPUNIT_ASSERT_MESSAGE("it was written beside a login", !isThere(background));
    login.reset();
    CPPUNIT_ASSERT(background.get().ok());
  }

  void butNotForLong() {
    options_.loginsFirst = &shortLogins_;
    open(Milliseconds{1});
    const RightOfWay::Hold login(&shortLogins_);
    CPPUNIT_ASSERT(write().get().ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteGatherTest);

}  // namespace
}  // namespace mbr::test
