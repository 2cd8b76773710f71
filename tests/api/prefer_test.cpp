#include "api/prefer.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace mbr::api {

using std::chrono::seconds;

class PreferTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PreferTest);
  CPPUNIT_TEST(waitIsReadInWholeSeconds);
  CPPUNIT_TEST(waitIsAtMostEightSeconds);
  CPPUNIT_TEST(otherPreferencesArePassedOver);
  CPPUNIT_TEST(theFirstWaitCounts);
  CPPUNIT_TEST(whatIsNoNumberSaysNothing);
  CPPUNIT_TEST_SUITE_END();

  void waitIsReadInWholeSeconds() {
    CPPUNIT_ASSERT(preferredWait("wait=5") == seconds{5});
    CPPUNIT_ASSERT(preferredWait(" WAIT = \"3\" ; x=y") == seconds{3});
    CPPUNIT_ASSERT(preferredWait("wait=0") == seconds{0});
  }
  void waitIsAtMostEightSeconds() {
    CPPUNIT_ASSERT(preferredWait("wait=9") == seconds{8});
    CPPUNIT_ASSERT(preferredWait("wait=999999999") == seconds{8});
  }
  void otherPreferencesArePassedOver() {
    CPPUNIT_ASSERT(preferredWait("respond-async, return=minimal;q=1, wait=4") == seconds{4});
    CPPUNIT_ASSERT(!preferredWait("respond-async"));
    CPPUNIT_ASSERT(!preferredWait("waiting=4"));
    CPPUNIT_ASSERT(!preferredWait(""));
  }
  void theFirstWaitCounts() { CPPUNIT_ASSERT(preferredWait("wait=1, wait=2") == seconds{1}); }
  void whatIsNoNumberSaysNothing() {
    for (const char* text : {"wait", "wait=", "wait=-1", "wait=1.5", "wait=1e1", "wait=\"",
                             "wait=9999999999", "wait=abc"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !preferredWait(text));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PreferTest);

}  // namespace mbr::api
