#include "ops/timer.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

using namespace mbr;
using std::chrono::milliseconds;

SteadyInstant in(milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

class TimerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TimerTest);
  CPPUNIT_TEST(aTaskRunsNotBeforeItsTime);
  CPPUNIT_TEST(tasksRunInTheOrderOfTheirTimes);
  CPPUNIT_TEST(anEarlierTaskOvertakesTheOneWaitedFor);
  CPPUNIT_TEST(tasksOfOneInstantRunInTheOrderOfTheirArrival);
  CPPUNIT_TEST(aCancelledTaskDoesNotRun);
  CPPUNIT_TEST(aTaskThatHasRunCannotBeCancelled);
  CPPUNIT_TEST(aTaskMayPlanAnother);
  CPPUNIT_TEST(aTaskThatThrowsStopsNothing);
  CPPUNIT_TEST(stopDropsWhatIsLeft);
  CPPUNIT_TEST(afterStopNothingIsTaken);
  CPPUNIT_TEST_SUITE_END();

  // Waits for everything planned up to now.
  static void settle(ops::Timer& timer, SteadyInstant when) {
    std::promise<void> reached;
    timer.at(when, [&] { reached.set_value(); });
    reached.get_future().get();
  }

  void aTaskRunsNotBeforeItsTime() {
    ops::Timer timer;
    std::promise<SteadyInstant> ran;
    const auto when = in(milliseconds{20});
    CPPUNIT_ASSERT(timer.at(when, [&] { ran.set_value(std::chrono::steady_clock::now()); }) != 0);
    CPPUNIT_ASSERT(ran.get_future().get() >= when);
  }

  void tasksRunInTheOrderOfTheirTimes() {
    ops::Timer timer;
    std::vector<int> order;
    const auto base = in(milliseconds{20});
    for (const int i : {3, 1, 2}) {
      timer.at(base + milliseconds{i}, [&order, i] { order.push_back(i); });
    }
    settle(timer, base + milliseconds{4});
    CPPUNIT_ASSERT(order == (std::vector<int>{1, 2, 3}));
  }

  void anEarlierTaskOvertakesTheOneWaitedFor() {
    ops::Timer timer;
    timer.at(in(std::chrono::hours{1}), [] {});
    settle(timer, in(milliseconds{1}));
  }

  void tasksOfOneInstantRunInTheOrderOfTheirArrival() {
    ops::Timer timer;
    std::vector<int> order;
    const auto when = in(milliseconds{10});
    for (int i = 0; i < 5; ++i) timer.at(when, [&order, i] { order.push_back(i); });
    settle(timer, when);
    CPPUNIT_ASSERT(order == (std::vector<int>{0, 1, 2, 3, 4}));
  }

  void aCancelledTaskDoesNotRun() {
    ops::Timer timer;
    std::atomic<bool> ran{false};
    const auto when = in(milliseconds{20});
    const auto id = timer.at(when, [&] { ran = true; });
    CPPUNIT_ASSERT(timer.cancel(id));
    CPPUNIT_ASSERT(!timer.cancel(id));
    settle(timer, when);
    CPPUNIT_ASSERT(!ran);
  }

  void aTaskThatHasRunCannotBeCancelled() {
    ops::Timer timer;
    const auto id = timer.at(in(milliseconds{0}), [] {});
    settle(timer, in(milliseconds{1}));
    CPPUNIT_ASSERT(!timer.cancel(id));
    CPPUNIT_ASSERT(!timer.cancel(12345));
  }

  void aTaskMayPlanAnother() {
    ops::Timer timer;
    std::promise<void> done;
    timer.at(in(milliseconds{0}),
             [&] { timer.at(in(milliseconds{0}), [&] { done.set_value(); }); });
    done.get_future().get();
  }

  void aTaskThatThrowsStopsNothing() {
    ops::Timer timer;
    timer.at(in(milliseconds{0}), [] { throw std::runtime_error("by intent"); });
    settle(timer, in(milliseconds{1}));
  }

  void stopDropsWhatIsLeft() {
    ops::Timer timer;
    const auto held = std::make_shared<int>(1);
    timer.at(in(std::chrono::hours{1}), [held] {});
    timer.stop();
    timer.stop();
    CPPUNIT_ASSERT_EQUAL(1L, held.use_count());
  }

  void afterStopNothingIsTaken() {
    ops::Timer timer;
    timer.stop();
    CPPUNIT_ASSERT_EQUAL(ops::Timer::TaskId{0}, timer.at(in(milliseconds{0}), [] {}));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TimerTest);

}  // namespace
