#include "api/session_routes.h"

#include "api/rig.h"

namespace mbr::api {

using namespace std::chrono_literals;

class SessionRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SessionRoutesTest);
  CPPUNIT_TEST(aSessionIsShownWithItsContactAsItIsNow);
  CPPUNIT_TEST(useMovesTheEnd);
  CPPUNIT_TEST(anUnknownOrEndedSessionIsNotFound);
  CPPUNIT_TEST(whoIsDeletedOrMayNotEnterHasNone);
  CPPUNIT_TEST(logoutEndsTheSessionOnDisk);
  CPPUNIT_TEST(whoMayNotEnterMayLeave);
  CPPUNIT_TEST(withoutATokenTheRequestIsRefused);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST_SUITE_END();

  static constexpr TagId kBanned = 66;

  ApiRig rig;
  access::Sessions sessions{rig.store, rig.random, rig.clock};
  SessionRoutes routes{rig.apiKeys, sessions, rig.cache,
                       [](const Contact& contact) { return !contact.hasTag(kBanned); }};
  std::string token_;

 public:
  void setUp() override {
    routes.registerOn(rig.router);
    rig.saveContact(42, "jane@example.com");
    auto prepared = sessions.prepare(42, "password");
    token_ = prepared.token.reveal();
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(prepared.record); });
  }

 private:
  http::Request request(const std::string& method, const std::string& route,
                        const std::string& token) const {
    auto made = rig.request(method, "/membergate/v1/" + route);
    if (!token.empty()) made.headers["membergate-session"] = token;
    return made;
  }
  http::Response show() { return rig.answer(request("GET", "session", token_)); }
  http::Response logout() { return rig.answer(request("POST", "logout", token_)); }
  void change(const std::function<void(Contact&)>& what) {
    rig.saveContact(42, "jane@example.com", what);
  }

  void aSessionIsShownWithItsContactAsItIsNow() {
    const auto response = show();
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(response, "contact.id"));
    CPPUNIT_ASSERT_EQUAL(std::string("password"), ApiRig::member(response, "via"));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-14T22:13:20.000Z"),
                         ApiRig::member(response, "created_at"));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-15T10:13:20.000Z"),
                         ApiRig::member(response, "expires_at"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
    CPPUNIT_ASSERT_MESSAGE("the token is not told again",
                           response.body.find(token_) == std::string::npos);
    change([](Contact& contact) { contact.tags = {7}; });
    CPPUNIT_ASSERT(show().body.find(R"("tags":[{"id":"7")") != std::string::npos);
  }

  void useMovesTheEnd() {
    rig.clock.advance(11h);
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-15T21:13:20.000Z"),
                         ApiRig::member(show(), "expires_at"));
    rig.database.write([](store::Transaction&) {});  // behind the note of the use
    rig.clock.advance(11h);
    CPPUNIT_ASSERT_EQUAL(200, show().status);
  }

  void anUnknownOrEndedSessionIsNotFound() {
    for (const std::string& token :
         {std::string("x"), std::string(43, 'x'), token_ + "x", std::string(10000, 'x')}) {
      rig.assertProblem(404, "not_found", rig.answer(request("GET", "session", token)));
      rig.assertProblem(404, "not_found", rig.answer(request("POST", "logout", token)));
    }
    rig.clock.advance(12h);
    rig.assertProblem(404, "not_found", show());
    rig.assertProblem(404, "not_found", logout());
  }

  void whoIsDeletedOrMayNotEnterHasNone() {
    change([](Contact& contact) { contact.tags = {kBanned}; });
    rig.assertProblem(404, "not_found", show());
    change([](Contact&) {});
    CPPUNIT_ASSERT_EQUAL_MESSAGE("and again once he may", 200, show().status);
    change([&](Contact& contact) { contact.deletedAt = rig.clock.now(); });
    rig.assertProblem(404, "not_found", show());
    rig.database.write([](store::Transaction& tx) { tx.eraseContact(42); });
    rig.assertProblem(404, "not_found", show());
  }

  void logoutEndsTheSessionOnDisk() {
    const auto response = logout();
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 204, response.status);
    CPPUNIT_ASSERT(response.bodyView().empty());
    rig.database.reopen();
    access::Sessions again{rig.database.store(), rig.random, rig.clock};
    CPPUNIT_ASSERT(!again.find(token_)->has_value());
  }

  void whoMayNotEnterMayLeave() {
    change([](Contact& contact) { contact.tags = {kBanned}; });
    CPPUNIT_ASSERT_EQUAL(204, logout().status);
  }

  void withoutATokenTheRequestIsRefused() {
    rig.assertProblem(400, "invalid_request", rig.answer(request("GET", "session", "")));
    rig.assertProblem(400, "invalid_request", rig.answer(request("POST", "logout", "")));
    CPPUNIT_ASSERT_EQUAL(405, rig.answer(request("POST", "session", token_)).status);
    CPPUNIT_ASSERT_EQUAL(405, rig.answer(request("GET", "logout", token_)).status);
    CPPUNIT_ASSERT_EQUAL(200, show().status);
  }

  void aStoreThatIsDownIsTold() {
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", show());
    rig.assertProblem(503, "unavailable", logout());
    rig.store.down = false;
    CPPUNIT_ASSERT_EQUAL(200, show().status);
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kLogin, request("GET", "session", token_));
    rig.assertNeedsScope(access::Scope::kLogin, request("POST", "logout", token_));
    CPPUNIT_ASSERT_EQUAL(200, show().status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SessionRoutesTest);

}  // namespace mbr::api
