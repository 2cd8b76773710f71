#include "app/errands.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>
#include <stdexcept>
#include <vector>

namespace mbr::app {

class ErrandsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ErrandsTest);
  CPPUNIT_TEST(errandsRunInOrderAndStopDoesWhatWaits);
  CPPUNIT_TEST(oneTooManyIsRefused);
  CPPUNIT_TEST(oneThatThrowsEndsNothing);
  CPPUNIT_TEST(afterStopNothingIsTaken);
  CPPUNIT_TEST_SUITE_END();

  void errandsRunInOrderAndStopDoesWhatWaits() {
    std::vector<int> done;
    Errands errands;
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(errands.add([&done, i] { done.push_back(i); }));
    errands.start();
    errands.stop();
    CPPUNIT_ASSERT((done == std::vector<int>{0, 1, 2, 3, 4}));
  }

  void oneTooManyIsRefused() {
    Errands errands;
    std::size_t taken = 0;
    while (errands.add([] {})) ++taken;
    CPPUNIT_ASSERT_EQUAL(Errands::kMostWaiting, taken);
    errands.start();
  }

  void oneThatThrowsEndsNothing() {
    Errands errands;
    std::promise<void> reached;
    errands.start();
    CPPUNIT_ASSERT(errands.add([] { throw std::runtime_error("on purpose"); }));
    CPPUNIT_ASSERT(errands.add([&] { reached.set_value(); }));
    CPPUNIT_ASSERT(reached.get_future().wait_for(std::chrono::seconds{20}) ==
                   std::future_status::ready);
  }

  void afterStopNothingIsTaken() {
    Errands errands;
    errands.start();
    errands.stop();
    errands.stop();
    CPPUNIT_ASSERT(!errands.add([] {}));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ErrandsTest);

}  // namespace mbr::app
