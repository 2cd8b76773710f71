#include "pages/login_target.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace mbr::pages {

class LoginTargetTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoginTargetTest);
  CPPUNIT_TEST(whatTheGateSendsSurvivesAsItIs);
  CPPUNIT_TEST(whatSomebodyEncodedIsDecodedOnce);
  CPPUNIT_TEST(theFirstOfSeveralCounts);
  CPPUNIT_TEST(nobodyIsLedOutOfTheSite);
  CPPUNIT_TEST(withoutATargetItIsTheFrontPage);
  CPPUNIT_TEST_SUITE_END();

  static void is(const std::string& expected, const std::string& query) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(query, expected, loginTarget(query));
  }

  void whatTheGateSendsSurvivesAsItIs() {
    is("/members/page.html", "redir=/members/page.html");
    is("/a?b=1&c=2", "redir=/a?b=1&c=2");
    is("/a?b=%26&c=%2Fd%20e+f", "redir=/a?b=%26&c=%2Fd%20e+f");
    is("/%E2%82%AC?x", "redir=/%E2%82%AC?x");
    is("/a?next=/b&redir=/c", "redir=/a?next=/b&redir=/c");
    is("/", "redir=/");
  }

  void whatSomebodyEncodedIsDecodedOnce() {
    is("/a?b=1&c=2", "redir=%2Fa%3Fb%3D1%26c%3D2");
    is("/a?b=1", "redir=%2fa%3Fb%3D1&utm=mail");
    is("/a%2520b", "redir=%2Fa%252520b");
    is("/a%20b", "redir=%2Fa+b");
    is("/%C3%A9", "redir=%2F%C3%A9");
  }

  void theFirstOfSeveralCounts() {
    is("/b", "a=1&redir=/b");
    is("/b", "x=/a?redir=/c&redir=/b");
    is("/", "xredir=/b");
    is("/", "Redir=/b");
  }

  void nobodyIsLedOutOfTheSite() {
    for (const char* target :
         {"//evil.example", "/\\evil.example", "%2F%2Fevil.example", "%2F%5Cevil.example",
          "https://evil.example", "https:%2F%2Fevil.example", "evil.example", "javascript:x",
          "%68ttps://evil.example", "\\\\evil.example", "%5C%5Cevil.example", "/a\r\nSet-Cookie:x",
          "%2Fa%0D%0ASet-Cookie:x", "%2F%09/evil.example", "%2F%ZZ", "%"}) {
      is("/", "redir=" + std::string(target));
    }
    is("/", "redir=/" + std::string(2048, 'x'));
    // Escapes that nobody decodes stay within the path.
    is("/%2Fevil.example", "redir=/%2Fevil.example");
    is("/%2F/evil.example", "redir=%2F%252F/evil.example");
  }

  void withoutATargetItIsTheFrontPage() {
    is("/", "");
    is("/", "redir=");
    is("/", "redir");
    is("/", "a=1&b=2&");
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoginTargetTest);

}  // namespace mbr::pages
