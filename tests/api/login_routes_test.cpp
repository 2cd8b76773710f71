#include "api/login_routes.h"

#include <vector>

#include "api/rig.h"
#include "passwords/hash_pool.h"

namespace mbr::api {

using std::chrono::seconds;

class LoginRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoginRoutesTest);
  CPPUNIT_TEST(theRightPasswordOpensASession);
  CPPUNIT_TEST(theSessionIsOnDiskBeforeTheAnswer);
  CPPUNIT_TEST(aPasswordThatChangedMeanwhileOpensNoSession);
  CPPUNIT_TEST(everyWrongLoginGetsTheSameBytesNoSoonerThanHalfASecond);
  CPPUNIT_TEST(aPasswordWithoutTheRequiredTagIsNotEntitled);
  CPPUNIT_TEST(theSourceSaysWhatTheAnswerRestsOn);
  CPPUNIT_TEST(guessingIsThrottled);
  CPPUNIT_TEST(textThatIsNoEmailIsThrottledToo);
  CPPUNIT_TEST(theOwnersKnownAddressGetsInDuringAnAttack);
  CPPUNIT_TEST(successClearsThePairsFailures);
  CPPUNIT_TEST(aFullHashQueueIsBusyAndCountsNoFailure);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(aSessionThatCouldNotBeSavedIsNoLogin);
  CPPUNIT_TEST(aClientAddressMustBeALiteral);
  CPPUNIT_TEST(aBodyOfAnotherShapeIsRefused);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST(loginsAreCounted);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  passwords::Hasher hasher{rig.keys, rig.random, {8192, 1}};
  passwords::HashPool pool{{1, 64}};
  access::Throttle throttle{rig.store, rig.keys, rig.clock};
  access::Sessions sessions{rig.store, rig.random, rig.clock};
  members::LoginOptions options = [] {
    members::LoginOptions made;
    made.requiredTags = {"12"};
    return made;
  }();
  members::LoginVerifier verifier{rig.store, rig.cache, rig.directories, rig.source,
                                  hasher,    pool,      rig.clock,       options};
  logins::Logins logins{throttle,
                        sessions,
                        verifier,
                        rig.clock,
                        [this](const store::SessionRecord& session, Instant changedAt, auto done) {
                          const Instant now = changedMeanwhile ? rig.clock.now() : changedAt;
                          if (now != changedAt) return done(Error{Code::kConflict, "changed"});
                          if (savingFails) return done(Error{Code::kUnavailable, "disk"});
                          rig.store.submit(
                              [session](store::Transaction& tx) -> Outcome {
                                tx.saveSession(session);
                                return Done{};
                              },
                              std::move(done));
                        },
                        {}};
  LoginRoutes routes{rig.apiKeys, logins};
  bool savingFails = false;
  bool changedMeanwhile = false;

 public:
  void setUp() override {
    routes.registerOn(rig.router);
    member(42, "jane@example.com", {12});
    member(43, "guest@example.com", {});
    rig.saveContact(44, "none@example.com");
  }

 private:
  void member(ContactId id, const std::string& email, std::vector<TagId> tags) {
    rig.saveContact(id, email, [&](Contact& contact) { contact.tags = std::move(tags); });
    rig.database.write([&](store::Transaction& tx) {
      tx.saveCredential(hasher.makeFast(id, Secret("correct horse"), CredentialOrigin::kGenerated,
                                        rig.clock.now()));
    });
  }

  http::Request post(const std::string& email, const std::string& password,
                     const std::string& address = "203.0.113.7") const {
    json::Object body{{"email", email}, {"password", password}};
    if (!address.empty()) body.set("client_ip", address);
    return rig.request("POST", "/membergate/v1/login", json::write(body));
  }
  http::Response login(const std::string& email, const std::string& password,
                       const std::string& address = "203.0.113.7") {
    return rig.answer(post(email, password, address));
  }

  void theRightPasswordOpensASession() {
    const auto response = login(" Jane@Example.com ", "correct horse");
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(response, "contact.id"));
    CPPUNIT_ASSERT_EQUAL(std::string("cache"), ApiRig::member(response, "source"));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-14T22:13:20.000Z"),
                         ApiRig::member(response, "as_of"));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-15T10:13:20.000Z"),
                         ApiRig::member(response, "session_expires_at"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void theSessionIsOnDiskBeforeTheAnswer() {
    const auto response = login("jane@example.com", "correct horse");
    rig.database.reopen();
    access::Sessions again{rig.database.store(), rig.random, rig.clock};
    const auto session = again.find(ApiRig::member(response, "session"));
    CPPUNIT_ASSERT(session && *session);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, (*session)->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("password"), (*session)->via);
  }

  void everyWrongLoginGetsTheSameBytesNoSoonerThanHalfASecond() {
    std::vector<std::string> bodies;
    for (const auto& [email, password] : std::vector<std::pair<std::string, std::string>>{
             {"jane@example.com", "wrong"},
             {"unknown@example.com", "correct horse"},
             {"none@example.com", "correct horse"},
             {"jane@example.com", ""},
             {"no address at all", "correct horse"},
             {std::string(300, 'x') + "@example.com", "correct horse"}}) {
      const auto request = post(email, password, "");
      const auto recorded = test::RecordedReply::make();
      const auto response = rig.answer(request, *recorded);
      rig.assertProblem(401, "invalid_credentials", response);
      CPPUNIT_ASSERT(response.headers.empty());
      CPPUNIT_ASSERT(recorded->putOffUntil() == request.arrived + Milliseconds{500});
      bodies.push_back(response.body);
    }
    for (const std::string& body : bodies) CPPUNIT_ASSERT_EQUAL(bodies.front(), body);
  }

  void aPasswordWithoutTheRequiredTagIsNotEntitled() {
    rig.assertProblem(403, "not_entitled", login("guest@example.com", "correct horse"));
    rig.assertProblem(401, "invalid_credentials", login("guest@example.com", "wrong"));
  }

  void theSourceSaysWhatTheAnswerRestsOn() {
    rig.clock.advance(std::chrono::minutes{6});
    rig.source.answer = [](const contacts::Who&) { return Error{Code::kBusy, "no time"}; };
    CPPUNIT_ASSERT_EQUAL(std::string("stale"),
                         ApiRig::member(login("jane@example.com", "correct horse"), "source"));
    rig.source.answer = [](const contacts::Who&) { return contacts::Pulled{42}; };
    CPPUNIT_ASSERT_EQUAL(std::string("live"),
                         ApiRig::member(login("jane@example.com", "correct horse"), "source"));
  }

  void guessingIsThrottled() {
    for (int i = 0; i < 5; ++i) login("jane@example.com", "wrong");
    const auto response = login("jane@example.com", "wrong");
    rig.assertProblem(429, "throttled", response);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(response, "Retry-After"));
    // Refused tries neither count nor prolong.
    rig.clock.advance(seconds{1});
    CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse").status);
  }

  void textThatIsNoEmailIsThrottledToo() {
    for (int i = 0; i < 5; ++i) login("nobody", "wrong");
    rig.assertProblem(429, "throttled", login("nobody", "wrong"));
  }

  void theOwnersKnownAddressGetsInDuringAnAttack() {
    CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse", "198.51.100.1").status);
    for (int i = 0; i < 120; ++i) {
      login("jane@example.com", "wrong", "203.0.113." + std::to_string(i));
    }
    rig.assertProblem(429, "throttled", login("jane@example.com", "wrong", "192.0.2.1"));
    CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse", "198.51.100.1").status);
  }

  void successClearsThePairsFailures() {
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) login("jane@example.com", "wrong");
      CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse").status);
    }
  }

  void aFullHashQueueIsBusyAndCountsNoFailure() {
    pool.stop();
    for (int i = 0; i < 10; ++i) {
      const auto response = login("jane@example.com", "wrong");
      rig.assertProblem(503, "busy", response);
      CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(response, "Retry-After"));
    }
  }

  void aStoreThatIsDownIsTold() {
    login("unknown@example.com", "x", "");  // the keys are known from here on
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", login("jane@example.com", "correct horse"));
  }

  void aSessionThatCouldNotBeSavedIsNoLogin() {
    savingFails = true;
    rig.assertProblem(503, "unavailable", login("jane@example.com", "correct horse"));
  }

  void aPasswordThatChangedMeanwhileOpensNoSession() {
    changedMeanwhile = true;
    rig.clock.advance(Milliseconds{1});
    rig.assertProblem(401, "invalid_credentials", login("jane@example.com", "correct horse"));
  }

  void aClientAddressMustBeALiteral() {
    for (const char* address :
         {"localhost", "203.0.113.7:80", "[::1]", "fe80::1%eth0", " ", "1.2.3"}) {
      rig.assertProblem(400, "invalid_request",
                        login("jane@example.com", "correct horse", address));
    }
    CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse", "2001:db8::1").status);
    CPPUNIT_ASSERT_EQUAL(200, login("jane@example.com", "correct horse", "").status);
  }

  void aBodyOfAnotherShapeIsRefused() {
    const auto send = [this](const std::string& body) {
      return rig.answer(rig.request("POST", "/membergate/v1/login", body));
    };
    for (const char* body :
         {"[]", "{", R"({"email":"jane@example.com"})", R"({"password":"x"})",
          R"({"email":1,"password":"x"})", R"({"email":"jane@example.com","password":"a\nb"})"}) {
      rig.assertProblem(400, "invalid_request", send(body));
    }
    rig.assertProblem(
        400, "invalid_request",
        send(R"({"email":"jane@example.com","password":")" + std::string(257, 'x') + "\"}"));
    rig.assertProblem(400, "unknown_field",
                      send(R"({"email":"jane@example.com","password":"x","remember":true})"));
    auto request = post("jane@example.com", "correct horse");
    request.contentType = "text/plain";
    rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    request = post("jane@example.com", "correct horse");
    request.bodyState = http::Request::BodyState::kTooLarge;
    rig.assertProblem(413, "too_large", rig.answer(request));
    request.method = "GET";
    rig.assertProblem(405, "method_not_allowed", rig.answer(request));
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kLogin, post("jane@example.com", "correct horse"));
  }

  void loginsAreCounted() {
    const auto count = [](const char* result) {
      return ops::counter("membergate_logins_total", "", {{"result", result}}).value();
    };
    const double admitted = count("admitted");
    const double wrong = count("wrong");
    const double entitled = count("not_entitled");
    login("jane@example.com", "correct horse");
    login("jane@example.com", "wrong");
    login("guest@example.com", "correct horse");
    CPPUNIT_ASSERT_EQUAL(admitted + 1, count("admitted"));
    CPPUNIT_ASSERT_EQUAL(wrong + 1, count("wrong"));
    CPPUNIT_ASSERT_EQUAL(entitled + 1, count("not_entitled"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoginRoutesTest);

}  // namespace mbr::api
