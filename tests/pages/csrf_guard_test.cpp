#include "pages/csrf_guard.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "passwords/temp_key_ring.h"
#include "support/seeded_random.h"

namespace mbr::pages {

class CsrfGuardTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CsrfGuardTest);
  CPPUNIT_TEST(aBrowserGetsACookieOnce);
  CPPUNIT_TEST(aFormIsAcceptedWithTheCookieItWasMadeFor);
  CPPUNIT_TEST(aFormWithoutBothIsNot);
  CPPUNIT_TEST(aCookieThatIsNoneOfOursIsReplaced);
  CPPUNIT_TEST(theTokenIsNoneOfTheCookiesOwnText);
  CPPUNIT_TEST_SUITE_END();

  const passwords::KeyRing keys = test::keyRing();
  test::SeededRandom random;
  const CsrfGuard guard{keys, random};

  static http::Request with(const std::string& cookie) {
    http::Request request;
    if (!cookie.empty()) request.headers["cookie"] = cookie;
    return request;
  }
  static std::string cookieIn(const CsrfSeal& seal) {
    return seal.setCookie.substr(0, seal.setCookie.find(';'));
  }
  static http::Form formWith(const std::string& token) { return *http::parseForm("csrf=" + token); }

  void aBrowserGetsACookieOnce() {
    auto request = with("other=1");
    request.https = true;
    const auto first = guard.seal(request);
    CPPUNIT_ASSERT_EQUAL(std::string("membergate_csrf=").size() + 22, cookieIn(first).size());
    CPPUNIT_ASSERT_EQUAL(std::string("; HttpOnly; SameSite=Lax; Path=/membergate/; Secure"),
                         first.setCookie.substr(first.setCookie.find(';')));
    const auto second = guard.seal(with("other=1; " + cookieIn(first)));
    CPPUNIT_ASSERT_EQUAL(std::string(), second.setCookie);
    CPPUNIT_ASSERT_EQUAL(first.token, second.token);
    CPPUNIT_ASSERT(cookieIn(guard.seal(with(""))) != cookieIn(first));
  }

  void aFormIsAcceptedWithTheCookieItWasMadeFor() {
    const auto seal = guard.seal(with(""));
    CPPUNIT_ASSERT(guard.accepts(with(cookieIn(seal)), formWith(seal.token)));
    CPPUNIT_ASSERT(!guard.accepts(with(cookieIn(guard.seal(with("")))), formWith(seal.token)));
  }

  void aFormWithoutBothIsNot() {
    const auto seal = guard.seal(with(""));
    const auto cookie = with(cookieIn(seal));
    CPPUNIT_ASSERT(!guard.accepts(with(""), formWith(seal.token)));
    CPPUNIT_ASSERT(!guard.accepts(with("membergate_csrf="), formWith(seal.token)));
    CPPUNIT_ASSERT(!guard.accepts(cookie, formWith("")));
    CPPUNIT_ASSERT(!guard.accepts(cookie, formWith(seal.token + "x")));
    CPPUNIT_ASSERT(!guard.accepts(cookie, formWith(seal.token.substr(1))));
    CPPUNIT_ASSERT(!guard.accepts(cookie, *http::parseForm("")));
  }

  void aCookieThatIsNoneOfOursIsReplaced() {
    for (const char* odd : {"membergate_csrf=", "membergate_csrf=short", "membergate_csrfx=1"}) {
      CPPUNIT_ASSERT(!guard.seal(with(odd)).setCookie.empty());
    }
  }

  void theTokenIsNoneOfTheCookiesOwnText() {
    const auto seal = guard.seal(with(""));
    const std::string value = cookieIn(seal).substr(cookieIn(seal).find('=') + 1);
    CPPUNIT_ASSERT_EQUAL(std::size_t{43}, seal.token.size());
    CPPUNIT_ASSERT(seal.token.find(value) == std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CsrfGuardTest);

}  // namespace mbr::pages
