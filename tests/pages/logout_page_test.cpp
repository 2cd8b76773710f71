#include "pages/logout_page.h"

#include "pages/rig.h"

namespace mbr::pages {

class LogoutPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LogoutPageTest);
  CPPUNIT_TEST(theSessionEndsOnDiskAndTheCookieGoes);
  CPPUNIT_TEST(withoutTheCookieNothingIsCleared);
  CPPUNIT_TEST(anUnknownSessionIsCleared);
  CPPUNIT_TEST(loadingTheAddressLogsNobodyOut);
  CPPUNIT_TEST(anEndThatIsNotWrittenCanBeTriedAgain);
  CPPUNIT_TEST_SUITE_END();

  static constexpr const char* kLogout = "/membergate/logout";
  PagesRig rig;
  LogoutPage page{rig.layout, rig.sessions};

 public:
  void setUp() override {
    page.registerOn(rig.router);
    rig.contact(42, "jane@example.com");
    const auto session = rig.sessions.prepare(42, "password");
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(session.record); });
    rig.cookies["membergate_session"] = session.token.reveal();
  }

 private:
  bool isInForce(const std::string& token) {
    const auto found = rig.sessions.find(token);
    CPPUNIT_ASSERT(found);
    return found->has_value();
  }

  void theSessionEndsOnDiskAndTheCookieGoes() {
    const std::string token = rig.cookies["membergate_session"];
    CPPUNIT_ASSERT(isInForce(token));
    const auto answered = rig.sendAgain(kLogout, {});
    CPPUNIT_ASSERT_EQUAL(303, answered.status);
    CPPUNIT_ASSERT_EQUAL(std::string("/"), test::headerOf(answered, "Location"));
    CPPUNIT_ASSERT_EQUAL(
        std::string("membergate_session=; HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=0"),
        test::headerOf(answered, "Set-Cookie"));
    CPPUNIT_ASSERT(!isInForce(token));
  }

  void withoutTheCookieNothingIsCleared() {
    rig.cookies.clear();
    const auto answered = rig.sendAgain(kLogout, {});
    CPPUNIT_ASSERT_EQUAL(303, answered.status);
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(answered, "Set-Cookie"));
  }

  void anUnknownSessionIsCleared() {
    rig.cookies["membergate_session"] = "unknown";
    const auto answered = rig.sendAgain(kLogout, {});
    CPPUNIT_ASSERT_EQUAL(303, answered.status);
    CPPUNIT_ASSERT(!test::headerOf(answered, "Set-Cookie").empty());
  }

  void loadingTheAddressLogsNobodyOut() {
    const auto answered = rig.get(kLogout);
    CPPUNIT_ASSERT_EQUAL(405, answered.status);
    CPPUNIT_ASSERT_EQUAL(std::string("POST"), test::headerOf(answered, "Allow"));
    CPPUNIT_ASSERT(isInForce(rig.cookies["membergate_session"]));
  }

  void anEndThatIsNotWrittenCanBeTriedAgain() {
    rig.store.down = true;
    const auto answered = rig.sendAgain(kLogout, {});
    assertIsPage(503, answered);
    assertHas(R"(<form method="post" action="/membergate/logout">)", answered);
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(answered, "Set-Cookie"));
    rig.store.down = false;
    CPPUNIT_ASSERT_EQUAL(303, rig.sendAgain(kLogout, {}).status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogoutPageTest);

}  // namespace mbr::pages
