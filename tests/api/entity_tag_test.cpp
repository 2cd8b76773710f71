#include "api/entity_tag.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace mbr::api {

class EntityTagTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EntityTagTest);
  CPPUNIT_TEST(aTagIsFoundAloneAndInAList);
  CPPUNIT_TEST(weakTagsAreComparedToo);
  CPPUNIT_TEST(aStarNamesEverything);
  CPPUNIT_TEST(otherTagsDoNotMatch);
  CPPUNIT_TEST(whatIsNoListOfTagsDoesNotMatch);
  CPPUNIT_TEST_SUITE_END();

  static bool names(const char* header) { return namesEntityTag(header, "\"a1\""); }

  void aTagIsFoundAloneAndInAList() {
    CPPUNIT_ASSERT(names("\"a1\""));
    CPPUNIT_ASSERT(names("\"x\", \"a1\""));
    CPPUNIT_ASSERT(names(" \"x,y\"\t,,\"a1\" , \"z\""));
  }
  void weakTagsAreComparedToo() {
    CPPUNIT_ASSERT(names("W/\"a1\""));
    CPPUNIT_ASSERT(names("\"x\", W/\"a1\""));
  }
  void aStarNamesEverything() { CPPUNIT_ASSERT(names("*")); }
  void otherTagsDoNotMatch() {
    CPPUNIT_ASSERT(!names(""));
    CPPUNIT_ASSERT(!names("\"a\""));
    CPPUNIT_ASSERT(!names("\"a1 \""));
    CPPUNIT_ASSERT(!names("\"A1\", W/\"b\""));
  }
  void whatIsNoListOfTagsDoesNotMatch() {
    for (const char* header : {"a1", "\"a1", "W/", "w/\"a1\"", "x \"a1\""}) {
      CPPUNIT_ASSERT_MESSAGE(header, !names(header));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EntityTagTest);

}  // namespace mbr::api
