#include "domain/email.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;

class EmailTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EmailTest);
  CPPUNIT_TEST(blanksAroundAreTrimmedAndAsciiLettersLowered);
  CPPUNIT_TEST(nothingElseIsNormalised);
  CPPUNIT_TEST(exactlyOneAtSignWithSomethingOnBothSides);
  CPPUNIT_TEST(atMost254Bytes);
  CPPUNIT_TEST(blanksAndControlCharactersInsideAreRefused);
  CPPUNIT_TEST(badUtf8IsRefused);
  CPPUNIT_TEST(comparisonIsByTheNormalisedText);
  CPPUNIT_TEST_SUITE_END();

  static std::string normalised(std::string_view text) {
    const auto email = Email::parse(text);
    return email ? email->text() : "nothing";
  }
  static void refuses(std::string_view text) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(text), std::string("nothing"), normalised(text));
  }

  void blanksAroundAreTrimmedAndAsciiLettersLowered() {
    CPPUNIT_ASSERT_EQUAL(std::string("ada@example.org"), normalised(" \t\r\nAda@EXAMPLE.org \n"));
  }

  void nothingElseIsNormalised() {
    CPPUNIT_ASSERT_EQUAL(std::string("a.d.a+x@example.org"), normalised("a.d.a+x@example.org"));
    CPPUNIT_ASSERT_EQUAL(std::string("\xC3\x84@example.org"), normalised("\xC3\x84@example.org"));
    CPPUNIT_ASSERT_EQUAL(std::string("a%40b@x"), normalised("a%40b@x"));
  }

  void exactlyOneAtSignWithSomethingOnBothSides() {
    for (const char* text : {"", " ", "ada", "@", "@x", "ada@", "a@b@c", "@@", " @ "})
      refuses(text);
    CPPUNIT_ASSERT_EQUAL(std::string("a@b"), normalised("a@b"));
  }

  void atMost254Bytes() {
    const std::string longest = std::string(252, 'a') + "@b";
    CPPUNIT_ASSERT_EQUAL(longest, normalised("  " + longest + "  "));
    refuses("a" + longest);
  }

  void blanksAndControlCharactersInsideAreRefused() {
    for (const char* text : {"a b@c", "a@b c", "a\t@b", "a@b\nc", "a\x7F@b", "a\x01@b", "\fa@b"}) {
      refuses(text);
    }
    refuses(std::string("a\0@b", 4));
  }

  void badUtf8IsRefused() {
    refuses("a\xFF@b");
    refuses("a\xC3@b");
  }

  void comparisonIsByTheNormalisedText() {
    CPPUNIT_ASSERT(*Email::parse("A@b") == *Email::parse(" a@B "));
    CPPUNIT_ASSERT(*Email::parse("a@b") != *Email::parse("a@c"));
    CPPUNIT_ASSERT(*Email::parse("a@b") < *Email::parse("a@c"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EmailTest);
