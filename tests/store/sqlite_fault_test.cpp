// What SqlStore does when the database, the disk or the process fails it, and when others write.
#include <cppunit/extensions/HelperMacros.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "store/sql/sql_store.h"
#include "store/sql/sql_transaction.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace mbr::test {
namespace {

using store::Transaction;
using store::sql::Connection;
using store::sql::SqlStore;
using store::sql::SqlTransaction;

Contact contact(ContactId id, std::size_t bytes = 10) {
  Contact made;
  made.id = id;
  made.phone = std::string(bytes, 'p');
  return made;
}

Connection& connectionOf(Transaction& tx) { return dynamic_cast<SqlTransaction&>(tx).connection(); }

class SqliteFaultTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SqliteFaultTest);
  CPPUNIT_TEST(aFullDiskFailsThePiecesAndKeepsWhatWasAcknowledged);
  CPPUNIT_TEST(aFullDiskFailsEveryPieceOfAGroup);
  CPPUNIT_TEST(anIoErrorFailsThePieceAndReopensTheSession);
  CPPUNIT_TEST(aLostTransactionFailsWhatRanAndRunsTheRestOnce);
  CPPUNIT_TEST(aSecondLossFailsTheRest);
  CPPUNIT_TEST(aPieceThatHidesTheLossFailsToo);
  CPPUNIT_TEST(aLockHeldByAnotherProcessIsUnavailable);
  CPPUNIT_TEST(tooManyWaitingPiecesAreRefused);
  CPPUNIT_TEST(readersAreBounded);
  CPPUNIT_TEST(anotherProcessesChangesAreHeardOnceWithinASecond);
  CPPUNIT_TEST(changesOfTwoWritersReachBothInOrder);
  CPPUNIT_TEST(nothingAcknowledgedIsLostByAKill);
  CPPUNIT_TEST(writingOnAFastWorkerAborts);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { store_ = open(); }
  void tearDown() override { store_.reset(); }

 private:
  std::string path() const { return dir_.file("membergate.db"); }

  std::unique_ptr<SqlStore> open(Milliseconds busy = Milliseconds{5000}) {
    SqlStore::Options options;
    options.path = path();
    options.busyTimeout = busy;
    options.readers = 2;
    options.readerWait = Milliseconds{100};
    options.maxWaiting = 3000;
    auto opened = SqlStore::open(options, clock_);
    CPPUNIT_ASSERT(opened.ok());
    return std::move(opened).value();
  }

  Outcome save(ContactId id, std::size_t bytes = 10) {
    return store_->write([&](Transaction& tx) -> Outcome {
      tx.saveContact(contact(id, bytes));
      return Done{};
    });
  }

  bool has(ContactId id) {
    bool found = false;
    CPPUNIT_ASSERT(store_->read([&](store::Reader& r) -> Outcome {
      found = r.findContact(id).has_value();
      return Done{};
    }));
    return found;
  }

  // Runs the pieces as one group and gives back their outcomes.
  std::vector<Outcome> runTogether(const std::vector<store::Store::Work>& pieces) {
    std::promise<void> begun;
    std::promise<void> hold;
    store_->submit(
        [&](Transaction&) -> Outcome {
          begun.set_value();
          hold.get_future().wait();
          return Done{};
        },
        [](const Outcome&) {});
    begun.get_future().wait();  // the group of the holding piece is closed
    std::vector<std::promise<Outcome>> results(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      store_->submit(pieces[i],
                     [&results, i](Outcome outcome) { results[i].set_value(std::move(outcome)); });
    }
    hold.set_value();
    std::vector<Outcome> outcomes;
    for (auto& result : results) outcomes.push_back(result.get_future().get());
    return outcomes;
  }

  static store::Store::Work saving(ContactId id, std::size_t bytes = 10) {
    return [id, bytes](Transaction& tx) -> Outcome {
      tx.saveContact(contact(id, bytes));
      return Done{};
    };
  }

  // Saves, and then loses the transaction as SQLite does after some errors.
  static store::Store::Work losing(ContactId id) {
    return [id](Transaction& tx) -> Outcome {
      tx.saveContact(contact(id));
      connectionOf(tx).runScript("ROLLBACK");
      return Error{Code::kUnavailable, "disk full", std::nullopt};
    };
  }

  static bool isUnavailable(const Outcome& outcome) {
    return !outcome && outcome.error().code == Code::kUnavailable;
  }

  // Pages that the file may still grow by, on the writer's session.
  void leavePages(int pages) {
    CPPUNIT_ASSERT(store_->write([&](Transaction& tx) -> Outcome {
      Connection& db = connectionOf(tx);
      const std::int64_t limit = db.integer("PRAGMA page_count") + pages;
      db.runScript("PRAGMA max_page_count = " + std::to_string(limit));
      return Done{};
    }));
  }

  void assertIntact() {
    Connection db(path(), Milliseconds{1000});
    std::string verdict;
    db.query("PRAGMA integrity_check", {}, [&](store::sql::Row& row) { verdict = row.text(); });
    CPPUNIT_ASSERT_EQUAL(std::string("ok"), verdict);
  }

  void aFullDiskFailsThePiecesAndKeepsWhatWasAcknowledged() {
    leavePages(10);
    ContactId id = 1;
    while (save(id, 3000)) ++id;
    CPPUNIT_ASSERT(id > 3);
    CPPUNIT_ASSERT(isUnavailable(save(id, 3000)));
    for (ContactId kept = 1; kept < id; ++kept) CPPUNIT_ASSERT(has(kept));
    CPPUNIT_ASSERT(!has(id));
    leavePages(1000);
    CPPUNIT_ASSERT(save(id, 3000).ok());
    CPPUNIT_ASSERT(has(id));
    assertIntact();
  }

  void aFullDiskFailsEveryPieceOfAGroup() {
    CPPUNIT_ASSERT(save(1).ok());
    leavePages(0);
    std::vector<store::Store::Work> pieces;
    for (ContactId id = 100; id < 120; ++id) pieces.push_back(saving(id, 9000));
    for (const Outcome& outcome : runTogether(pieces)) CPPUNIT_ASSERT(isUnavailable(outcome));
    for (ContactId id = 100; id < 120; ++id) CPPUNIT_ASSERT(!has(id));
    CPPUNIT_ASSERT(has(1));
    leavePages(1000);
    for (const Outcome& outcome : runTogether(pieces)) CPPUNIT_ASSERT(outcome.ok());
    assertIntact();
  }

  void anIoErrorFailsThePieceAndReopensTheSession() {
    std::signal(SIGXFSZ, SIG_IGN);
    CPPUNIT_ASSERT(save(1).ok());
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 512 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &small);
    ContactId id = 2;
    while (id < 1000 && save(id, 30000)) ++id;
    const bool failsAgain = isUnavailable(save(id, 900000));
    ::setrlimit(RLIMIT_FSIZE, &before);
    CPPUNIT_ASSERT(id < 1000 && failsAgain);
    for (ContactId kept = 1; kept < id; ++kept) CPPUNIT_ASSERT(has(kept));
    CPPUNIT_ASSERT(!has(id));
    CPPUNIT_ASSERT(save(id, 900000).ok());
    CPPUNIT_ASSERT(has(id));
    assertIntact();
  }

  void aLostTransactionFailsWhatRanAndRunsTheRestOnce() {
    std::mutex mutex;
    std::vector<std::int64_t> heard;
    store_->subscribe([&](const std::vector<store::Change>& changes) {
      const std::lock_guard lock(mutex);
      for (const auto& change : changes) heard.push_back(change.ref);
    });
    const auto outcomes = runTogether({saving(1), saving(2), losing(3), saving(4), saving(5)});
    for (int i = 0; i < 3; ++i) {
      CPPUNIT_ASSERT(isUnavailable(outcomes[static_cast<std::size_t>(i)]));
      CPPUNIT_ASSERT(!has(i + 1));
    }
    CPPUNIT_ASSERT(outcomes[3].ok() && outcomes[4].ok());
    CPPUNIT_ASSERT(has(4) && has(5));
    const std::lock_guard lock(mutex);
    CPPUNIT_ASSERT((heard == std::vector<std::int64_t>{4, 5}));
  }

  void aSecondLossFailsTheRest() {
    const auto outcomes = runTogether({saving(1), losing(2), saving(3), losing(4), saving(5)});
    for (const Outcome& outcome : outcomes) CPPUNIT_ASSERT(isUnavailable(outcome));
    for (ContactId id = 1; id <= 5; ++id) CPPUNIT_ASSERT(!has(id));
    CPPUNIT_ASSERT(save(6).ok());
  }

  void aPieceThatHidesTheLossFailsToo() {
    const auto outcomes = runTogether({saving(1),
                                       [](Transaction& tx) -> Outcome {
                                         connectionOf(tx).runScript("ROLLBACK");
                                         return Done{};
                                       },
                                       saving(3)});
    CPPUNIT_ASSERT(isUnavailable(outcomes[0]) && isUnavailable(outcomes[1]));
    CPPUNIT_ASSERT(outcomes[2].ok());
    CPPUNIT_ASSERT(!has(1) && has(3));
  }

  void aLockHeldByAnotherProcessIsUnavailable() {
    store_ = open(Milliseconds{50});
    Connection other(path(), Milliseconds{50});
    other.run("BEGIN IMMEDIATE");
    CPPUNIT_ASSERT(isUnavailable(save(1)));
    CPPUNIT_ASSERT(!has(1));  // reading goes on
    other.run("ROLLBACK");
    CPPUNIT_ASSERT(save(1).ok());
  }

  void tooManyWaitingPiecesAreRefused() {
    std::promise<void> hold;
    std::promise<void> begun;
    store_->submit(
        [&](Transaction&) -> Outcome {
          begun.set_value();
          hold.get_future().wait();
          return Done{};
        },
        [](const Outcome&) {});
    begun.get_future().wait();
    std::promise<void> last;
    for (int i = 0; i < 3000; ++i) {
      store_->submit(saving(i + 1), [&last, i](const Outcome& outcome) {
        if (i == 2999 && outcome) last.set_value();
      });
    }
    std::optional<Error> refused;
    store_->submit(saving(5000), [&](const Outcome& outcome) { refused = outcome.error(); });
    CPPUNIT_ASSERT(refused && refused->code == Code::kBusy && refused->retryAfter);
    hold.set_value();
    last.get_future().wait();
    CPPUNIT_ASSERT(has(3000) && !has(5000));
  }

  void readersAreBounded() {
    std::promise<void> hold;
    std::shared_future<void> held = hold.get_future().share();
    std::promise<void> begun[2];
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        (void)store_->read([&](store::Reader&) -> Outcome {
          begun[i].set_value();
          held.wait();
          return Done{};
        });
      });
    }
    for (auto& one : begun) one.get_future().wait();
    const Outcome refused = store_->read([](store::Reader&) -> Outcome { return Done{}; });
    hold.set_value();
    for (auto& thread : threads) thread.join();
    CPPUNIT_ASSERT(isUnavailable(refused));
    CPPUNIT_ASSERT(store_->read([](store::Reader&) -> Outcome { return Done{}; }).ok());
  }

  void anotherProcessesChangesAreHeardOnceWithinASecond() {
    std::mutex mutex;
    std::condition_variable more;
    std::vector<std::int64_t> heard;
    store_->subscribe([&](const std::vector<store::Change>& changes) {
      const std::lock_guard lock(mutex);
      for (const auto& change : changes) heard.push_back(change.ref);
      more.notify_all();
    });
    const auto other = open();
    auto best = std::chrono::steady_clock::duration::max();  // of three: the machine may be busy
    for (ContactId id = 1; id <= 3; ++id) {
      CPPUNIT_ASSERT(other->write(saving(id)));
      const auto start = std::chrono::steady_clock::now();
      std::unique_lock lock(mutex);
      CPPUNIT_ASSERT(more.wait_for(lock, std::chrono::seconds{10},
                                   [&] { return heard.size() >= static_cast<std::size_t>(id); }));
      best = std::min(best, std::chrono::steady_clock::now() - start);
    }
    CPPUNIT_ASSERT(best < std::chrono::seconds{1});
    CPPUNIT_ASSERT(store_->write([](Transaction&) -> Outcome { return Done{}; }));
    const std::lock_guard lock(mutex);
    CPPUNIT_ASSERT((heard == std::vector<std::int64_t>{1, 2, 3}));
  }

  void changesOfTwoWritersReachBothInOrder() {
    constexpr int kEach = 150;
    const auto other = open();
    SqlStore* stores[2] = {store_.get(), other.get()};
    std::mutex mutex;
    std::condition_variable more;
    std::vector<store::Change> heard[2];
    for (int i = 0; i < 2; ++i) {
      stores[i]->subscribe([&, i](const std::vector<store::Change>& changes) {
        const std::lock_guard lock(mutex);
        heard[i].insert(heard[i].end(), changes.begin(), changes.end());
        more.notify_all();
      });
    }
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < kEach; ++n) {
          if (!stores[i]->write(saving(1 + i * kEach + n))) ++failed;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CPPUNIT_ASSERT_EQUAL(0, failed.load());
    std::unique_lock lock(mutex);
    for (auto& list : heard) {
      CPPUNIT_ASSERT(
          more.wait_for(lock, std::chrono::seconds{5}, [&] { return list.size() >= 2 * kEach; }));
      CPPUNIT_ASSERT_EQUAL(std::size_t{2 * kEach}, list.size());
      std::set<std::int64_t> refs;
      for (std::size_t n = 0; n < list.size(); ++n) {
        refs.insert(list[n].ref);
        CPPUNIT_ASSERT_EQUAL(static_cast<std::int64_t>(n + 1), list[n].id);
      }
      CPPUNIT_ASSERT_EQUAL(std::size_t{2 * kEach}, refs.size());
    }
    lock.unlock();
    for (ContactId id = 1; id <= 2 * kEach; ++id) CPPUNIT_ASSERT(has(id));
  }

  // Starts store_child with its standard output in `*out`.
  static pid_t startChild(const char* mode, const std::string& path, int* out) {
    int ends[2];
    CPPUNIT_ASSERT_EQUAL(0, ::pipe(ends));
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::execl(MBR_STORE_CHILD, MBR_STORE_CHILD, mode, path.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    *out = ends[0];
    return child;
  }

  void nothingAcknowledgedIsLostByAKill() {
    store_.reset();
    for (int round = 0; round < 3; ++round) {
      const std::string file = dir_.file("ledger" + std::to_string(round) + ".db");
      int out = -1;
      const pid_t child = startChild("ledger", file, &out);
      std::string ledger;
      char buffer[4096];
      bool killed = false;
      for (ssize_t got = 0; (got = ::read(out, buffer, sizeof buffer)) > 0;) {
        ledger.append(buffer, static_cast<std::size_t>(got));
        if (!killed && ledger.size() > 1000U * static_cast<unsigned>(round + 1)) {
          ::kill(child, SIGKILL);
          killed = true;
        }
      }
      ::close(out);
      int status = 0;
      ::waitpid(child, &status, 0);
      CPPUNIT_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      ContactId last = 0;
      for (std::size_t at = 0, end; (end = ledger.find('\n', at)) != std::string::npos;
           at = end + 1) {
        last = std::stoll(ledger.substr(at, end - at));
      }
      CPPUNIT_ASSERT(last > 0);

      SqlStore::Options options;
      options.path = file;
      auto opened = SqlStore::open(options, clock_);
      CPPUNIT_ASSERT(opened.ok());
      store_ = std::move(opened).value();
      for (ContactId id = 1; id <= last; ++id) CPPUNIT_ASSERT(has(id));
      Connection db(file, Milliseconds{1000});
      CPPUNIT_ASSERT_EQUAL(db.integer("SELECT 2 * count(*) FROM contact"),
                           db.integer("SELECT count(*) FROM contact_tag"));
      store_.reset();
    }
  }

  void writingOnAFastWorkerAborts() {
    store_.reset();
    int out = -1;
    const pid_t child = startChild("fast-worker", path(), &out);
    ::close(out);
    int status = 0;
    ::waitpid(child, &status, 0);
    CPPUNIT_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<SqlStore> store_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteFaultTest);

}  // namespace
}  // namespace mbr::test
