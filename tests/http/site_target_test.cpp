#include "http/site_target.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace mbr::http {

class SiteTargetTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SiteTargetTest);
  CPPUNIT_TEST(aPathOfTheSiteIsTakenAsItIs);
  CPPUNIT_TEST(whatLeadsElsewhereBecomesTheFrontPage);
  CPPUNIT_TEST(whatNoHeaderMayHoldIsEscaped);
  CPPUNIT_TEST(theLengthIsBounded);
  CPPUNIT_TEST_SUITE_END();

  void aPathOfTheSiteIsTakenAsItIs() {
    for (const std::string path : {"/", "/members/", "/a?b=c&d=/e#f", "/a//b",
                                   "/?u=https://x.example", "/a%20b", "/a%0d%0ab", "/.//x"}) {
      CPPUNIT_ASSERT_EQUAL(path, siteTarget(path));
    }
  }

  void whatLeadsElsewhereBecomesTheFrontPage() {
    using namespace std::string_view_literals;
    for (const std::string_view path :
         {""sv, "members"sv, "//evil.example"sv, "/\\evil.example"sv, "\\\\evil.example"sv,
          "https://evil.example/"sv, "javascript:alert(1)"sv, " /members"sv, "/a\r\nX: y"sv,
          "/\t/evil.example"sv, "/a\0b"sv, "/a\x7f"sv}) {
      CPPUNIT_ASSERT_EQUAL(std::string("/"), siteTarget(path));
    }
  }

  void whatNoHeaderMayHoldIsEscaped() {
    CPPUNIT_ASSERT_EQUAL(std::string("/caf%C3%A9%20%22x%22%5Cy"),
                         siteTarget("/caf\xc3\xa9 \"x\"\\y"));
  }

  void theLengthIsBounded() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{2048}, siteTarget("/" + std::string(2047, 'x')).size());
    CPPUNIT_ASSERT_EQUAL(std::string("/"), siteTarget("/" + std::string(2048, 'x')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SiteTargetTest);

}  // namespace mbr::http
