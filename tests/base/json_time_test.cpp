#include "base/json_time.h"

#include <cppunit/extensions/HelperMacros.h>

namespace mbr {

class JsonTimeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JsonTimeTest);
  CPPUNIT_TEST(anInstantIsTextAndNoneIsNull);
  CPPUNIT_TEST_SUITE_END();

  void anInstantIsTextAndNoneIsNull() {
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-14T22:13:20.000Z"),
                         timeOrNull(fromEpochMs(1700000000000)).textOr(""));
    CPPUNIT_ASSERT(timeOrNull(std::nullopt).isNull());
    CPPUNIT_ASSERT(timeOrNull(Instant{}).isNull());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(JsonTimeTest);

}  // namespace mbr
