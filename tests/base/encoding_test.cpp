#include "base/encoding.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;

class EncodingTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EncodingTest);
  CPPUNIT_TEST(hexIsLowerCaseAndReadsBack);
  CPPUNIT_TEST(hexOfOddLengthOrOtherLettersIsRefused);
  CPPUNIT_TEST(base64UrlHasNoPaddingAndUsesMinusAndUnderscore);
  CPPUNIT_TEST(base64UrlReadsBackEveryByte);
  CPPUNIT_TEST(base64UrlRefusesPaddingForeignLettersAndLeftOverBits);
  CPPUNIT_TEST(everythingButUnreservedIsPercentEncoded);
  CPPUNIT_TEST(plusIsABlankOnlyInForms);
  CPPUNIT_TEST(aBrokenEscapeIsRefused);
  CPPUNIT_TEST(percentDecodingHappensOnce);
  CPPUNIT_TEST_SUITE_END();

  static std::string everyByte() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
  }

  void hexIsLowerCaseAndReadsBack() {
    CPPUNIT_ASSERT_EQUAL(std::string("00ff1aab"), toHex(std::string("\x00\xFF\x1A\xAB", 4)));
    CPPUNIT_ASSERT_EQUAL(std::string(), toHex(""));
    CPPUNIT_ASSERT(fromHex(toHex(everyByte())) == everyByte());
    CPPUNIT_ASSERT(fromHex("AbCd") == std::string("\xAB\xCD"));
  }

  void hexOfOddLengthOrOtherLettersIsRefused() {
    for (const char* text : {"a", "0g", "g0", " 0", "0x", "-1"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !fromHex(text));
    }
  }

  void base64UrlHasNoPaddingAndUsesMinusAndUnderscore() {
    CPPUNIT_ASSERT_EQUAL(std::string("-_8"), toBase64Url("\xFB\xFF"));
    CPPUNIT_ASSERT_EQUAL(std::string("Zg"), toBase64Url("f"));
    CPPUNIT_ASSERT_EQUAL(std::string("Zm9v"), toBase64Url("foo"));
    CPPUNIT_ASSERT_EQUAL(std::string(), toBase64Url(""));
  }

  void base64UrlReadsBackEveryByte() {
    for (std::size_t size : {0U, 1U, 2U, 3U, 256U}) {
      const std::string bytes = everyByte().substr(0, size);
      CPPUNIT_ASSERT(fromBase64Url(toBase64Url(bytes)) == bytes);
    }
  }

  void base64UrlRefusesPaddingForeignLettersAndLeftOverBits() {
    for (const char* text : {"Zg==", "Zm+v", "Zm/v", "Z", "Zm9v Zm9v", "Zm9v\n", "Zh"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !fromBase64Url(text));
    }
  }

  void everythingButUnreservedIsPercentEncoded() {
    CPPUNIT_ASSERT_EQUAL(std::string("aZ09-._~"), percentEncode("aZ09-._~"));
    CPPUNIT_ASSERT_EQUAL(std::string("a%2Bb%40x%20%2F%25%C3%A4"),
                         percentEncode("a+b@x /%\xC3\xA4"));
    CPPUNIT_ASSERT(percentDecode(percentEncode(everyByte()), false) == everyByte());
    CPPUNIT_ASSERT(percentDecode(percentEncode(everyByte()), true) == everyByte());
  }

  void plusIsABlankOnlyInForms() {
    CPPUNIT_ASSERT(percentDecode("a+b", true) == std::string("a b"));
    CPPUNIT_ASSERT(percentDecode("a+b", false) == std::string("a+b"));
    CPPUNIT_ASSERT(percentDecode("a%2Bb", true) == std::string("a+b"));
  }

  void aBrokenEscapeIsRefused() {
    for (const char* text : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 1", "ab%2"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !percentDecode(text, true));
      CPPUNIT_ASSERT_MESSAGE(text, !percentDecode(text, false));
    }
    CPPUNIT_ASSERT(percentDecode("%41", false) == std::string("A"));
  }

  void percentDecodingHappensOnce() {
    CPPUNIT_ASSERT(percentDecode("%2541", false) == std::string("%41"));
    CPPUNIT_ASSERT(percentDecode("%00", false) == std::string(1, '\0'));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EncodingTest);
