#include "activecampaign/base_url.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace mbr::activecampaign {
namespace {

class BaseUrlTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(BaseUrlTest);
  CPPUNIT_TEST(anHttpsUrlIsTaken);
  CPPUNIT_TEST(thePathMayNameTheApi);
  CPPUNIT_TEST(plainHttpIsForLoopbackAlone);
  CPPUNIT_TEST(whatCouldLeadElsewhereIsRefused);
  CPPUNIT_TEST_SUITE_END();

  void anHttpsUrlIsTaken() {
    const auto url = parseBaseUrl("https://Account.api-us1.com");
    CPPUNIT_ASSERT(url);
    CPPUNIT_ASSERT(url->tls);
    CPPUNIT_ASSERT_EQUAL(std::string("account.api-us1.com"), url->host);
    CPPUNIT_ASSERT_EQUAL(std::string("account.api-us1.com"), url->authority());
    CPPUNIT_ASSERT_EQUAL(std::string("localhost:8443"),
                         parseBaseUrl("HTTPS://localhost:8443/")->authority());
    CPPUNIT_ASSERT_EQUAL(std::string("[::1]:8080"), parseBaseUrl("http://[::1]:8080")->authority());
  }

  void thePathMayNameTheApi() {
    CPPUNIT_ASSERT(parseBaseUrl("https://a.api-us1.com/api/3"));
    CPPUNIT_ASSERT(parseBaseUrl("https://a.api-us1.com/api/3/"));
    CPPUNIT_ASSERT(!parseBaseUrl("https://a.api-us1.com/api/2"));
  }

  void plainHttpIsForLoopbackAlone() {
    for (const char* text :
         {"http://127.0.0.1:8080", "http://127.9.9.9", "http://localhost:1", "http://[::1]"}) {
      CPPUNIT_ASSERT_MESSAGE(text, parseBaseUrl(text).ok());
    }
    for (const char* text :
         {"http://a.api-us1.com", "http://128.0.0.1", "http://127.0.0.1.evil.com",
          "http://localhost.evil.com", "http://0.0.0.0", "http://127.1", "http://2130706433",
          "http://0x7f.0.0.1", "http://[::2]", "http://[::ffff:10.0.0.1]"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseBaseUrl(text).ok());
    }
  }

  void whatCouldLeadElsewhereIsRefused() {
    for (const char* text : {"",
                             "https://",
                             "https:///",
                             "a.api-us1.com",
                             "ftp://a.b",
                             "https://user@a.b",
                             "https://user:pw@a.b",
                             "https://a.b?x=1",
                             "https://a.b#x",
                             "https://a.b/other",
                             "https://a.b:0",
                             "https://a.b:65536",
                             "https://a.b:",
                             "https://a.b:80x",
                             "https://a b",
                             "https://a.b\r\nX: y",
                             "https://a.b\n",
                             " https://a.b",
                             "https://a.b\\@c.d",
                             "https://a_b.c",
                             "https://[zz]",
                             "https://[::1",
                             "https://-a.b",
                             "javascript:alert(1)"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseBaseUrl(text).ok());
    }
    CPPUNIT_ASSERT(!parseBaseUrl(std::string("https://a.b\0", 12)));
    CPPUNIT_ASSERT(!parseBaseUrl("https://" + std::string(600, 'a')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(BaseUrlTest);

}  // namespace
}  // namespace mbr::activecampaign
