#include "http/form.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace {

using namespace mbr;
using http::Form;
using http::parseForm;

Form parsed(std::string_view text) {
  auto form = parseForm(text);
  CPPUNIT_ASSERT_MESSAGE(std::string(text), form.ok());
  return std::move(form).value();
}

std::string valueOf(std::string_view text, std::string_view key) {
  const Form form = parsed(text);
  const std::string_view* value = form.find(key);
  CPPUNIT_ASSERT_MESSAGE(std::string(text), value != nullptr);
  return std::string(*value);
}

void assertRefused(std::string_view text, const std::string& words) {
  const auto form = parseForm(text);
  CPPUNIT_ASSERT_MESSAGE(std::string(text.substr(0, 80)), !form.ok());
  CPPUNIT_ASSERT(form.error().code == Code::kInvalid);
  CPPUNIT_ASSERT_MESSAGE(form.error().detail, form.error().detail.find(words) != std::string::npos);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

class FormTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FormTest);
  CPPUNIT_TEST(anEmptyTextIsAnEmptyForm);
  CPPUNIT_TEST(keysAndValuesAreDecoded);
  CPPUNIT_TEST(fieldsKeepTheirOrder);
  CPPUNIT_TEST(ofARepeatedKeyTheLastCounts);
  CPPUNIT_TEST(aKeyWithoutValueIsEmpty);
  CPPUNIT_TEST(emptyPairsAndEmptyKeysAreSkipped);
  CPPUNIT_TEST(aValueMayHoldAnEqualsSign);
  CPPUNIT_TEST(bracketsStayInTheKey);
  CPPUNIT_TEST(brokenEscapesAreRefused);
  CPPUNIT_TEST(aNulIsRefused);
  CPPUNIT_TEST(invalidUtf8IsRefused);
  CPPUNIT_TEST(validUtf8IsKept);
  CPPUNIT_TEST(theNumberOfFieldsIsLimited);
  CPPUNIT_TEST(theDepthIsLimited);
  CPPUNIT_TEST(theLengthOfAKeyIsLimited);
  CPPUNIT_TEST(limitsMayBeOthers);
  CPPUNIT_TEST_SUITE_END();

  void anEmptyTextIsAnEmptyForm() {
    CPPUNIT_ASSERT(parsed("").empty());
    CPPUNIT_ASSERT(parsed("").find("a") == nullptr);
  }

  void keysAndValuesAreDecoded() {
    CPPUNIT_ASSERT_EQUAL(std::string("a b+c&d=e"), valueOf("k+%6b%2B=a+b%2bc%26d%3De", "k k+"));
  }

  void fieldsKeepTheirOrder() {
    const Form form = parsed("b=1&a=2&c=3");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, form.fields().size());
    CPPUNIT_ASSERT_EQUAL(std::string_view("b"), form.fields()[0].first);
    CPPUNIT_ASSERT_EQUAL(std::string_view("c"), form.fields()[2].first);
  }

  void ofARepeatedKeyTheLastCounts() {
    const Form form = parsed("a=1&b=2&a=3");
    CPPUNIT_ASSERT_EQUAL(std::string("3"), std::string(*form.find("a")));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, form.count("a"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, form.count("A"));
  }

  void aKeyWithoutValueIsEmpty() {
    CPPUNIT_ASSERT_EQUAL(std::string(), valueOf("a", "a"));
    CPPUNIT_ASSERT_EQUAL(std::string(), valueOf("a=", "a"));
    CPPUNIT_ASSERT_EQUAL(std::string(), valueOf("x=1&a&y=2", "a"));
  }

  void emptyPairsAndEmptyKeysAreSkipped() {
    const Form form = parsed("&&a=b&&=lost&c=d&=&");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, form.fields().size());
    CPPUNIT_ASSERT_EQUAL(std::string("d"), std::string(*form.find("c")));
  }

  void aValueMayHoldAnEqualsSign() {
    CPPUNIT_ASSERT_EQUAL(std::string("b=c="), valueOf("a=b=c=", "a"));
  }

  void bracketsStayInTheKey() {
    CPPUNIT_ASSERT_EQUAL(std::string("x"),
                         valueOf("contact%5Bfields%5D[39]=x", "contact[fields][39]"));
  }

  void brokenEscapesAreRefused() {
    for (const char* text : {"a=%", "a=%4", "a=%4g", "%zz=1", "a=%&b=41", "a=1&b=%-1", "=%"}) {
      assertRefused(text, "percent sign");
    }
  }

  void aNulIsRefused() {
    assertRefused("a=b%00c", "NUL");
    assertRefused("a%00=b", "NUL");
    assertRefused(std::string_view("a=b\0c", 5), "NUL");
  }

  void invalidUtf8IsRefused() {
    for (const char* text :
         {"a=%FF", "a=%C3", "%C3=a", "a=%C0%AF", "a=%ED%A0%80", "a=\xE2\x82", "a=%F4%90%80%80"}) {
      assertRefused(text, "UTF-8");
    }
  }

  void validUtf8IsKept() {
    CPPUNIT_ASSERT_EQUAL(std::string("\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"),
                         valueOf("a=%C3%BC\xE2\x82\xAC%F0%9F%98%80", "a"));
  }

  void theNumberOfFieldsIsLimited() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{500}, parsed(repeated("a=1&", 500)).fields().size());
    assertRefused(repeated("a=1&", 501), "too many");
    CPPUNIT_ASSERT(parsed(repeated("&", 100000)).empty());
  }

  void theDepthIsLimited() {
    CPPUNIT_ASSERT_EQUAL(std::string("1"),
                         valueOf("a" + repeated("[b]", 8) + "=1", "a" + repeated("[b]", 8)));
    assertRefused("a" + repeated("[b]", 9) + "=1", "too deeply");
    assertRefused("a" + repeated("%5Bb%5D", 9) + "=1", "too deeply");
  }

  void theLengthOfAKeyIsLimited() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, parsed(std::string(1024, 'k') + "=1").fields().size());
    assertRefused(std::string(1025, 'k') + "=1", "too long");
  }

  void limitsMayBeOthers() {
    http::FormLimits limits;
    limits.maxKeys = 1;
    CPPUNIT_ASSERT(parseForm("a=1", limits).ok());
    CPPUNIT_ASSERT(!parseForm("a=1&b=2", limits).ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FormTest);

}  // namespace
