#include "pages/login_page.h"

#include <utility>
#include <vector>

#include "pages/rig.h"

namespace mbr::pages {
namespace {

constexpr const char* kLogin = "/membergate/login";

}  // namespace

class LoginPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoginPageTest);
  CPPUNIT_TEST(theFormIsShownWithItsTarget);
  CPPUNIT_TEST(theRightPasswordSetsTheCookieAndLeadsOn);
  CPPUNIT_TEST(theSessionIsOnDisk);
  CPPUNIT_TEST(aTargetWithAnAmpersandSurvives);
  CPPUNIT_TEST(nobodyIsLedOutOfTheSite);
  CPPUNIT_TEST(everyWrongLoginIsOnePageNoSoonerThanHalfASecond);
  CPPUNIT_TEST(theEmailIsKeptAndThePasswordIsNot);
  CPPUNIT_TEST(aMemberWithoutTheTagIsNotEntitled);
  CPPUNIT_TEST(guessingIsThrottledByEmailAndAddress);
  CPPUNIT_TEST(aFullHashQueueAndAStoreThatIsDownAreUnavailable);
  CPPUNIT_TEST(aFormOfAnotherSiteIsNotTaken);
  CPPUNIT_TEST(whatIsNoFormIsNotTaken);
  CPPUNIT_TEST(whoIsLoggedInIsSentOn);
  CPPUNIT_TEST(whoIsBannedOrGoneOrCameByALinkGetsTheForm);
  CPPUNIT_TEST(theCookiesAreSecureOverHttpsAlone);
  CPPUNIT_TEST_SUITE_END();

  PagesRig rig{test::memberOptions()};
  LoginPage page{
      rig.layout, rig.csrf,
      rig.logins, rig.sessions,
      rig.cache,  [this](const Contact& contact) { return !rig.verifier.isBanned(contact); }};

 public:
  void setUp() override {
    page.registerOn(rig.router);
    rig.addVisitors();
  }

 private:
  http::Response login(const std::string& email, const std::string& password,
                       const std::string& redir = "/") {
    return rig.send(kLogin, {{"email", email}, {"password", password}, {"redir", redir}});
  }
  static std::string location(const http::Response& response) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 303, response.status);
    return test::headerOf(response, "Location");
  }

  void theFormIsShownWithItsTarget() {
    const auto shown = rig.get(kLogin, "redir=/members/");
    assertIsPage(200, shown);
    assertHas(R"(<form method="post" action="/membergate/login">)", shown);
    assertHas(R"(<input type="hidden" name="redir" value="/members/">)", shown);
    assertHas(R"(<a href="/membergate/reset">)", shown);
    assertHasNot("role=\"alert\"", shown);
    CPPUNIT_ASSERT_EQUAL(std::size_t{22}, rig.cookies["membergate_csrf"].size());
  }

  void theRightPasswordSetsTheCookieAndLeadsOn() {
    const auto answered = login(" Jane@Example.com ", "correct horse", "/members/");
    CPPUNIT_ASSERT_EQUAL(std::string("/members/"), location(answered));
    const auto cookie = test::headerOf(answered, "Set-Cookie");
    CPPUNIT_ASSERT_EQUAL(std::string("membergate_session="), cookie.substr(0, 19));
    CPPUNIT_ASSERT_EQUAL(std::string("; HttpOnly; SameSite=Lax; Path=/; Secure"),
                         cookie.substr(cookie.find(';')));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(answered, "Cache-Control"));
    CPPUNIT_ASSERT(answered.body.empty());
  }

  void theSessionIsOnDisk() {
    login("jane@example.com", "correct horse");
    rig.database.reopen();
    access::Sessions again{rig.database.store(), rig.random, rig.clock};
    const auto session = again.find(rig.cookies["membergate_session"]);
    CPPUNIT_ASSERT(session && *session);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, (*session)->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("password"), (*session)->via);
  }

  void aTargetWithAnAmpersandSurvives() {
    rig.get(kLogin, "redir=/a?b=1&c=2");
    assertHas(R"(name="redir" value="/a?b=1&amp;c=2")", rig.page);
    const auto answered = rig.sendAgain(
        kLogin,
        {{"email", "jane@example.com"}, {"password", "correct horse"}, {"redir", "/a?b=1&c=2"}});
    CPPUNIT_ASSERT_EQUAL(std::string("/a?b=1&c=2"), location(answered));
  }

  void nobodyIsLedOutOfTheSite() {
    for (const char* redir : {"//evil.example", "/\\evil.example", "https://evil.example", "",
                              "/a\r\nX: y", "javascript:alert(1)"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("/"),
                           location(login("jane@example.com", "correct horse", redir)));
      rig.cookies.erase("membergate_session");
    }
    assertHas(R"(name="redir" value="/")", rig.get(kLogin, "redir=//evil.example"));
  }

  void everyWrongLoginIsOnePageNoSoonerThanHalfASecond() {
    const std::string typed = "jane@example.com";
    std::string first;
    for (const auto& [email, password] :
         std::vector<std::pair<std::string, std::string>>{{typed, "wrong"},
                                                          {"unknown@example.com", "correct horse"},
                                                          {"none@example.com", "correct horse"},
                                                          {"no address at all", "x"},
                                                          {typed, std::string(300, 'x')},
                                                          {typed, ""}}) {
      auto answered = login(email, password);
      assertIsPage(401, answered);
      CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
      const auto at = answered.body.find(email);
      CPPUNIT_ASSERT(at != std::string::npos);
      answered.body.replace(at, email.size(), typed);
      if (first.empty()) first = answered.body;
      CPPUNIT_ASSERT_EQUAL(first, answered.body);
    }
  }

  void theEmailIsKeptAndThePasswordIsNot() {
    const auto answered = login("<jane>\"@example.com", "S3cret-S3cret", "/a?b=1&c=2");
    assertIsPage(401, answered);
    assertHas(R"(value="&lt;jane&gt;&quot;@example.com")", answered);
    assertHas(R"(<p role="alert" id="alert">E-mail or password is wrong.</p>)", answered);
    assertHas(R"(name="redir" value="/a?b=1&amp;c=2")", answered);
    assertHasNot("S3cret", answered);
  }

  void aMemberWithoutTheTagIsNotEntitled() {
    const auto answered = login("guest@example.com", "correct horse");
    assertIsPage(403, answered);
    assertHas("this membership is not active", answered);
    CPPUNIT_ASSERT(rig.cookies.count("membergate_session") == 0);
  }

  void guessingIsThrottledByEmailAndAddress() {
    for (int i = 0; i < 5; ++i) assertIsPage(401, login("jane@example.com", "wrong"));
    const auto answered = login("jane@example.com", "correct horse");
    assertIsPage(429, answered);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(answered, "Retry-After"));
    assertHas("Too many failed tries", answered);
    auto other =
        rig.posting(kLogin, {{"email", "jane@example.com"}, {"password", "correct horse"}});
    other.remoteAddress = "198.51.100.1";
    CPPUNIT_ASSERT_EQUAL(303, rig.visit(other).status);
  }

  void aFullHashQueueAndAStoreThatIsDownAreUnavailable() {
    rig.get(kLogin);
    rig.pool.stop();
    const Fields right{{"email", "jane@example.com"}, {"password", "correct horse"}};
    const auto busy = rig.sendAgain(kLogin, right);
    assertIsPage(503, busy);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(busy, "Retry-After"));
    rig.store.down = true;
    const auto down = rig.sendAgain(kLogin, right);
    assertIsPage(503, down);
    assertHas(R"(value="jane@example.com")", down);
    assertIsPage(200, rig.get(kLogin));
  }

  void aFormOfAnotherSiteIsNotTaken() {
    const Fields right{{"email", "jane@example.com"}, {"password", "correct horse"}};
    rig.get(kLogin);
    auto foreign = rig.posting(kLogin, right);
    foreign.headers.erase("cookie");  // as SameSite has it
    auto answered = rig.answer(foreign);
    assertIsPage(403, answered);
    assertHas("Please send it again", answered);
    assertHas(R"(value="jane@example.com")", answered);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0},
                         test::headerOf(answered, "Set-Cookie").find("membergate_csrf="));
    rig.page.body.clear();  // no token
    assertIsPage(403, rig.sendAgain(kLogin, right));
    // What it shows can be sent.
    CPPUNIT_ASSERT_EQUAL(303, rig.sendAgain(kLogin, right).status);
  }

  void whatIsNoFormIsNotTaken() {
    rig.get(kLogin);
    const auto whole =
        rig.posting(kLogin, {{"email", "jane@example.com"}, {"password", "correct horse"}});
    auto request = whole;
    request.contentType = "application/json";
    assertIsPage(400, rig.answer(request));
    request = whole;
    request.bodyState = http::Request::BodyState::kIncomplete;
    assertIsPage(400, rig.answer(request));
    request = whole;
    request.body += "&x=%zz";
    assertIsPage(400, rig.answer(request));
    CPPUNIT_ASSERT_EQUAL(303, rig.answer(whole).status);
  }

  void whoIsLoggedInIsSentOn() {
    login("jane@example.com", "correct horse");
    CPPUNIT_ASSERT_EQUAL(std::string("/a?b=1&c=2"), location(rig.get(kLogin, "redir=/a?b=1&c=2")));
    CPPUNIT_ASSERT_EQUAL(std::string("/"), location(rig.get(kLogin, "redir=//evil.example")));
    rig.clock.advance(std::chrono::hours{13});
    assertIsPage(200, rig.get(kLogin));
  }

  void whoIsBannedOrGoneOrCameByALinkGetsTheForm() {
    login("jane@example.com", "correct horse");
    rig.contact(42, "jane@example.com", [](Contact& contact) { contact.tags = {12, 66}; });
    assertIsPage(200, rig.get(kLogin));
    rig.contact(42, "jane@example.com",
                [&](Contact& contact) { contact.deletedAt = rig.clock.now(); });
    assertIsPage(200, rig.get(kLogin));
    rig.contact(42, "jane@example.com", [](Contact& contact) { contact.tags = {12}; });
    CPPUNIT_ASSERT_EQUAL(303, rig.get(kLogin).status);
    const auto byLink = rig.sessions.prepare(42, "link");
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(byLink.record); });
    rig.cookies["membergate_session"] = byLink.token.reveal();
    assertIsPage(200, rig.get(kLogin));
  }

  void theCookiesAreSecureOverHttpsAlone() {
    auto plain = rig.request("GET", "");
    plain.path = kLogin;
    CPPUNIT_ASSERT(test::headerOf(rig.visit(plain), "Set-Cookie").find("Secure") ==
                   std::string::npos);
    plain = rig.posting(kLogin, {{"email", "jane@example.com"}, {"password", "correct horse"}});
    plain.https = false;
    CPPUNIT_ASSERT(test::headerOf(rig.visit(plain), "Set-Cookie").find("Secure") ==
                   std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoginPageTest);

}  // namespace mbr::pages
