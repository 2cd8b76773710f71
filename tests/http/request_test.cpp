#include "http/request.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace {

using mbr::http::Request;

class RequestTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RequestTest);
  CPPUNIT_TEST(aHeaderIsFoundByItsLowerCaseName);
  CPPUNIT_TEST(aMissingHeaderIsEmpty);
  CPPUNIT_TEST(theMediaTypeIsLowerCaseWithoutParameters);
  CPPUNIT_TEST_SUITE_END();

  void aHeaderIsFoundByItsLowerCaseName() {
    Request request;
    request.headers["if-none-match"] = "\"1\"";
    CPPUNIT_ASSERT(request.header("if-none-match") == "\"1\"");
  }

  void aMissingHeaderIsEmpty() { CPPUNIT_ASSERT(Request().header("x").empty()); }

  void theMediaTypeIsLowerCaseWithoutParameters() {
    const auto mediaType = [](const char* contentType) {
      Request request;
      request.contentType = contentType;
      return request.mediaType();
    };
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), mediaType("application/json"));
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"),
                         mediaType(" Application/JSON ; charset=UTF-8"));
    CPPUNIT_ASSERT_EQUAL(std::string(), mediaType(""));
    CPPUNIT_ASSERT_EQUAL(std::string(), mediaType(" ;x"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RequestTest);

}  // namespace
