#include "domain/ids.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;

class IdsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(IdsTest);
  CPPUNIT_TEST(anIdIsAPositiveIntegerBelowTwoToThe53);
  CPPUNIT_TEST(anythingElseIsNoId);
  CPPUNIT_TEST(aListToleratesBlanksAndEmptyItems);
  CPPUNIT_TEST(oneWrongItemSpoilsTheList);
  CPPUNIT_TEST_SUITE_END();

  void anIdIsAPositiveIntegerBelowTwoToThe53() {
    CPPUNIT_ASSERT(parseId("1") == std::int64_t{1});
    CPPUNIT_ASSERT(parseId("42") == std::int64_t{42});
    CPPUNIT_ASSERT(parseId("9007199254740991") == std::int64_t{9007199254740991});
    CPPUNIT_ASSERT(!parseId("9007199254740992"));
    CPPUNIT_ASSERT(!parseId("99999999999999999999999999"));
  }

  void anythingElseIsNoId() {
    for (const char* text : {"", "0", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "a",
                             "1a", "\xD9\xA1"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseId(text));
    }
    CPPUNIT_ASSERT(!parseId(std::string("1\0", 2)));
  }

  void aListToleratesBlanksAndEmptyItems() {
    using Ids = std::vector<std::int64_t>;
    CPPUNIT_ASSERT(parseIdList("1,2,3") == Ids({1, 2, 3}));
    CPPUNIT_ASSERT(parseIdList(" 3 , 1,\t2 ") == Ids({3, 1, 2}));
    CPPUNIT_ASSERT(parseIdList(",,7,,") == Ids({7}));
    CPPUNIT_ASSERT(parseIdList("") == Ids());
    CPPUNIT_ASSERT(parseIdList(" , ") == Ids());
    CPPUNIT_ASSERT(parseIdList("5,5") == Ids({5, 5}));
  }

  void oneWrongItemSpoilsTheList() {
    for (const char* text : {"1,a", "1;2", "1 2", "0", "1,-2", "1,02"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseIdList(text));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(IdsTest);
