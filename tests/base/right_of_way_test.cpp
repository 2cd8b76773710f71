#include "base/right_of_way.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <future>
#include <optional>

using namespace mbr;
using namespace std::chrono_literals;

class RightOfWayTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RightOfWayTest);
  CPPUNIT_TEST(itIsHeldUntilTheLastHoldGoes);
  CPPUNIT_TEST(whereNobodyHoldsItNobodyWaits);
  CPPUNIT_TEST(whoGivesWayGoesOnceItIsFree);
  CPPUNIT_TEST(whoGivesWayIsNotShutOut);
  CPPUNIT_TEST_SUITE_END();

  void itIsHeldUntilTheLastHoldGoes() {
    RightOfWay way;
    std::optional<RightOfWay::Hold> first(&way);
    std::optional<RightOfWay::Hold> second(&way);
    const RightOfWay::Hold ofNone(nullptr);
    first.reset();
    CPPUNIT_ASSERT(way.held());
    second.reset();
    CPPUNIT_ASSERT(!way.held());
  }

  void whereNobodyHoldsItNobodyWaits() {
    const RightOfWay way(1h);
    way.giveWay();
  }

  void whoGivesWayGoesOnceItIsFree() {
    RightOfWay way(1h);
    std::optional<RightOfWay::Hold> hold(&way);
    auto background = std::async(std::launch::async, [&] { way.giveWay(); });
    CPPUNIT_ASSERT(background.wait_for(20ms) == std::future_status::timeout);
    hold.reset();
    background.get();
  }

  void whoGivesWayIsNotShutOut() {
    RightOfWay way(2ms);
    const RightOfWay::Hold hold(&way);
    const auto before = std::chrono::steady_clock::now();
    way.giveWay();
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - before >= way.longest());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RightOfWayTest);
