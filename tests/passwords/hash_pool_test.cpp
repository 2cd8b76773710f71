#include "passwords/hash_pool.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

namespace mbr::passwords {
namespace {

using Priority = HashPool::Priority;

// Holds a thread of the pool until it is opened, and tells when it got there.
class Gate {
 public:
  std::function<void()> task() {
    return [this] {
      entered_.set_value();
      opened_.wait();
    };
  }
  void awaitEntered() { entered_.get_future().wait(); }
  void open() { open_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

class HashPoolTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HashPoolTest);
  CPPUNIT_TEST(aTaskRunsOnAThreadOfThePool);
  CPPUNIT_TEST(asManyTasksRunAtOnceAsThereAreThreads);
  CPPUNIT_TEST(aFullQueueRefusesAtOnceAndCounts);
  CPPUNIT_TEST(knownPairsGoFirstAndBackgroundLast);
  CPPUNIT_TEST(unknownOnesLeaveAQuarterOfTheQueueToKnownOnes);
  CPPUNIT_TEST(backgroundTasksUseOneThreadAndTakeNoPlaceInTheQueue);
  CPPUNIT_TEST(aLoginHasTheRightOfWayAndABackgroundTaskHasNot);
  CPPUNIT_TEST(aTaskThatThrowsEndsNothingButItself);
  CPPUNIT_TEST(stopRunsWhatIsQueuedAndRefusesWhatComesAfter);
  CPPUNIT_TEST_SUITE_END();

  std::mutex mutex;
  std::string order;  // guarded by mutex

  std::function<void()> note(char name) {
    return [this, name] {
      const std::lock_guard lock(mutex);
      order.push_back(name);
    };
  }

  static HashPool::Options options(unsigned threads, std::size_t queue) { return {threads, queue}; }

  void aTaskRunsOnAThreadOfThePool() {
    HashPool pool;
    std::promise<std::thread::id> ran;
    CPPUNIT_ASSERT(
        pool.tryRun(Priority::kKnown, [&] { ran.set_value(std::this_thread::get_id()); }));
    CPPUNIT_ASSERT(ran.get_future().get() != std::this_thread::get_id());
  }

  void asManyTasksRunAtOnceAsThereAreThreads() {
    Gate first, second;
    HashPool pool(options(2, 1));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, first.task()));
    first.awaitEntered();
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, second.task()));
    second.awaitEntered();  // while the first one still runs
    second.open();
    first.open();
  }

  void aFullQueueRefusesAtOnceAndCounts() {
    ops::Counter& refused = ops::counter("membergate_login_queue_refused_total", "");
    const double before = refused.value();
    Gate gate;
    HashPool pool(options(1, 4));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, gate.task()));
    gate.awaitEntered();
    for (int i = 0; i < 4; ++i) CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('k')));
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kKnown, note('x')));
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kUnknown, note('x')));
    CPPUNIT_ASSERT_EQUAL(2.0, refused.value() - before);
    gate.open();
    pool.stop();
    CPPUNIT_ASSERT_EQUAL(std::string("kkkk"), order);
  }

  void knownPairsGoFirstAndBackgroundLast() {
    Gate gate;
    HashPool pool(options(1, 8));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, gate.task()));
    gate.awaitEntered();
    CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, note('b')));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, note('u')));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('k')));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, note('v')));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('l')));
    gate.open();
    pool.stop();
    CPPUNIT_ASSERT_EQUAL(std::string("kluvb"), order);
  }

  void unknownOnesLeaveAQuarterOfTheQueueToKnownOnes() {
    Gate gate;
    HashPool pool(options(1, 8));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, gate.task()));
    gate.awaitEntered();
    for (int i = 0; i < 6; ++i) CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, note('u')));
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kUnknown, note('u')));
    for (int i = 0; i < 2; ++i) CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('k')));
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kKnown, note('k')));
    gate.open();
  }

  void backgroundTasksUseOneThreadAndTakeNoPlaceInTheQueue() {
    Gate first, login;
    std::atomic<bool> secondRan{false};
    HashPool pool(options(2, 2));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, first.task()));
    first.awaitEntered();
    CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, [&] { secondRan = true; }));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, [] {}));
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kBackground, [] {}));
    // The other thread is free, yet only for logins.
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, login.task()));
    login.awaitEntered();
    CPPUNIT_ASSERT(!secondRan);
    login.open();
    first.open();
    pool.stop();
    CPPUNIT_ASSERT(secondRan);
  }

  void aLoginHasTheRightOfWayAndABackgroundTaskHasNot() {
    RightOfWay way;
    HashPool::Options options;
    options.loginsFirst = &way;
    std::promise<bool> login, background;
    HashPool pool(options);
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, [&] { login.set_value(way.held()); }));
    CPPUNIT_ASSERT(login.get_future().get());
    CPPUNIT_ASSERT(pool.tryRun(Priority::kUnknown, [] { throw std::runtime_error("broken"); }));
    pool.stop();
    CPPUNIT_ASSERT_MESSAGE("a task that threw kept it", !way.held());
    HashPool other(options);
    CPPUNIT_ASSERT(other.tryRun(Priority::kBackground, [&] { background.set_value(way.held()); }));
    CPPUNIT_ASSERT(!background.get_future().get());
  }

  void aTaskThatThrowsEndsNothingButItself() {
    HashPool pool(options(1, 4));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, [] { throw std::runtime_error("as arranged"); }));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, [] { throw 1; }));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('k')));
    pool.stop();
    CPPUNIT_ASSERT_EQUAL(std::string("k"), order);
  }

  void stopRunsWhatIsQueuedAndRefusesWhatComesAfter() {
    Gate gate;
    HashPool pool(options(2, 8));
    CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, gate.task()));
    gate.awaitEntered();
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(pool.tryRun(Priority::kBackground, note('b')));
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(pool.tryRun(Priority::kKnown, note('k')));
    gate.open();
    pool.stop();
    pool.stop();
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, order.size());
    CPPUNIT_ASSERT(!pool.tryRun(Priority::kKnown, note('x')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HashPoolTest);

}  // namespace
}  // namespace mbr::passwords
