#include "http/cookies.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;
using namespace mbr::http;

class CookiesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CookiesTest);
  CPPUNIT_TEST(aCookieIsFoundAmongOthers);
  CPPUNIT_TEST(namesAreExact);
  CPPUNIT_TEST(theFirstOfSeveralCounts);
  CPPUNIT_TEST(oddHeadersHoldNoCookie);
  CPPUNIT_TEST(aCookieIsSetForTheSiteAlone);
  CPPUNIT_TEST(aForgottenCookieHasNoTimeLeft);
  CPPUNIT_TEST_SUITE_END();

  static std::string valueIn(const std::string& header) {
    Request request;
    request.headers["cookie"] = header;
    return std::string(cookie(request, "session"));
  }
  static void is(const std::string& expected, const std::string& header) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(header, expected, valueIn(header));
  }

  void aCookieIsFoundAmongOthers() {
    is("abc", "session=abc");
    is("abc", "a=b; session=abc; c=d");
    is("abc", "a=b;session=abc;c=d");
    is("a=b", "session=a=b");
    is("abc", " \t session=abc \t; x=y");
  }

  void aCookieIsSetForTheSiteAlone() {
    CPPUNIT_ASSERT_EQUAL(std::string("session=abc; HttpOnly; SameSite=Lax; Path=/"),
                         setCookie("session", "abc", "/", false));
    CPPUNIT_ASSERT_EQUAL(std::string("session=abc; HttpOnly; SameSite=Lax; Path=/a/; Secure"),
                         setCookie("session", "abc", "/a/", true));
  }

  void aForgottenCookieHasNoTimeLeft() {
    CPPUNIT_ASSERT_EQUAL(std::string("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"),
                         forgetCookie("session", "/", false));
    CPPUNIT_ASSERT_EQUAL(std::string("session=; HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=0"),
                         forgetCookie("session", "/", true));
  }

  void namesAreExact() {
    is("", "xsession=abc; sessionx=abc; SESSION=abc; x session=abc");
    is("", "session =abc");
    is("", "a=b,session=abc");
  }

  void theFirstOfSeveralCounts() {
    is("1", "session=1; session=2");
    is("", "session=; session=2");
  }

  void oddHeadersHoldNoCookie() {
    for (const char* header : {"", ";", ";;;", "session", "=", "session;", " ", "=session"}) {
      is("", header);
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), std::string(cookie(Request{}, "session")));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CookiesTest);
