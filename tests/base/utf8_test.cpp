#include "base/utf8.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;

class Utf8Test : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(Utf8Test);
  CPPUNIT_TEST(wellFormedTextOfEveryLengthIsValid);
  CPPUNIT_TEST(overlongFormsAreInvalid);
  CPPUNIT_TEST(surrogatesAndValuesBeyondTheLastPlaneAreInvalid);
  CPPUNIT_TEST(cutAndStrayBytesAreInvalid);
  CPPUNIT_TEST(controlCharactersAreThoseBelowBlankAndDelete);
  CPPUNIT_TEST_SUITE_END();

  void wellFormedTextOfEveryLengthIsValid() {
    for (const char* text : {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                             "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
                             "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z"}) {
      CPPUNIT_ASSERT_MESSAGE(text, isValidUtf8(text));
    }
    CPPUNIT_ASSERT(isValidUtf8(std::string(1, '\0')));
  }

  void overlongFormsAreInvalid() {
    for (const char* text : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF",
                             "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !isValidUtf8(text));
    }
  }

  void surrogatesAndValuesBeyondTheLastPlaneAreInvalid() {
    for (const char* text :
         {"\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !isValidUtf8(text));
    }
  }

  void cutAndStrayBytesAreInvalid() {
    for (const char* text : {"\x80", "\xBF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3z",
                             "\xE2z\x82", "\xE2\x82z", "a\xC3", "\xC3\xA4\xA4"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !isValidUtf8(text));
    }
  }

  void controlCharactersAreThoseBelowBlankAndDelete() {
    CPPUNIT_ASSERT(hasControlCharacter(std::string(1, '\0')));
    CPPUNIT_ASSERT(hasControlCharacter("a\x1F"));
    CPPUNIT_ASSERT(hasControlCharacter("a\nb"));
    CPPUNIT_ASSERT(hasControlCharacter("\x7F"));
    CPPUNIT_ASSERT(!hasControlCharacter(" ~\xC2\x80\xFF"));
    CPPUNIT_ASSERT(!hasControlCharacter(""));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Utf8Test);
