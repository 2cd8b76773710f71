#include "api/password_routes.h"

#include "api/rig.h"
#include "base/time_format.h"
#include "members/job_payload.h"
#include "passwords/hash_pool.h"

namespace mbr::api {

using outbox::Verdict;

class PasswordRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordRoutesTest);
  CPPUNIT_TEST(aGeneratedOneIsDoneOnceActiveCampaignHoldsIt);
  CPPUNIT_TEST(whoHasOneNeedsForce);
  CPPUNIT_TEST(oneThatOnlyActiveCampaignKnowsOfIsAConflictToo);
  CPPUNIT_TEST(whoDoesNotWaitGetsTheJob);
  CPPUNIT_TEST(pastTheBoundOnWaitingRepliesTheJobIsAnsweredAtOnce);
  CPPUNIT_TEST(aJobThatWasGivenUpIsNoSuccess);
  CPPUNIT_TEST(theSiteSetsOne);
  CPPUNIT_TEST(thePolicyIsToldInASentence);
  CPPUNIT_TEST(aMemberChangesHisOwn);
  CPPUNIT_TEST(aWrongCurrentPasswordIsRefusedNoSoonerThanHalfASecond);
  CPPUNIT_TEST(guessingTheCurrentPasswordIsThrottled);
  CPPUNIT_TEST(theSessionMustBeTheMembersAndOfAPassword);
  CPPUNIT_TEST(aContactWithoutAnEmailGetsNone);
  CPPUNIT_TEST(anUnknownContactIsNotFound);
  CPPUNIT_TEST(aBodyOfAnotherShapeIsRefused);
  CPPUNIT_TEST(aChangeThatCouldNotBeCommittedIsTold);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST(aLinkIsInTheAnswer);
  CPPUNIT_TEST(aPushedLinkIsAwaited);
  CPPUNIT_TEST(withoutAnAddressALinkIsAConflict);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  ops::Timer timer;
  passwords::Hasher hasher{rig.keys, rig.random, {8192, 1}};
  passwords::Sealer sealer{rig.keys, rig.random};
  passwords::HashPool pool{{1, 64}};
  access::Throttle throttle{rig.store, rig.keys, rig.clock};
  access::Sessions sessions{rig.store, rig.random, rig.clock};
  outbox::Dispatcher dispatcher{rig.store, rig.clock, rig.random, timer, {}};
  const members::PasswordLinks links{rig.keys, rig.random, {"https://www.example.com"}};
  members::PasswordChanger changer{rig.store,
                                   hasher,
                                   pool,
                                   sealer,
                                   rig.clock,
                                   [this] { dispatcher.wake(); },
                                   {PasswordPolicy::kKeep, &links}};
  ContactLookup lookup{rig.cache, rig.source, rig.clock, {}};
  PasswordRoutes routes{rig.apiKeys, throttle, sessions, lookup, changer, dispatcher, {}};
  std::function<Verdict(members::PasswordPayload&)> activeCampaign =
      [](members::PasswordPayload& payload) {
        payload.issued = payload.confirmed = true;
        return Verdict::done();
      };

 public:
  void setUp() override {
    routes.registerOn(rig.router);
    rig.dispatcher = &dispatcher;
    rig.saveContact(42, "jane@example.com");
    rig.saveContact(43, "");
    rig.saveContact(44, "john@example.com");
    dispatcher.handle(std::string(members::kPasswordJob), [this](Job& job, const StopFlag&) {
      auto payload = members::readPasswordPayload(job.payload);
      auto verdict = activeCampaign(*payload);
      job.payload = members::write(*payload);
      return verdict;
    });
  }
  void tearDown() override {
    dispatcher.stop();
    pool.stop();
    rig.dispatcher = nullptr;
  }

 private:
  // A request that came now: the dispatcher's timer goes by the machine's clock.
  http::Request post(const std::string& body, const std::string& contact = "42",
                     const std::string& prefer = "wait=8") const {
    auto request = rig.request("POST", "/membergate/v1/contacts/" + contact + "/password", body);
    request.arrived = std::chrono::steady_clock::now();
    if (!prefer.empty()) request.headers["prefer"] = prefer;
    return request;
  }
  void give(ContactId id, const std::string& password) {
    rig.database.write([&](store::Transaction& tx) {
      tx.saveCredential(
          hasher.makeFast(id, Secret(password), CredentialOrigin::kGenerated, rig.clock.now()));
    });
  }
  bool knows(ContactId id, const std::string& password) {
    std::optional<Credential> found;
    rig.database.read([&](store::Reader& reader) { found = reader.findCredential(id); });
    return found && hasher.verify(*found, Secret(password));
  }
  std::string session(ContactId id, std::string_view via = "password") {
    auto prepared = sessions.prepare(id, via);
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(prepared.record); });
    return prepared.token.reveal();
  }
  static std::string own(const std::string& session, const std::string& current,
                         const std::string& password = "a fine password") {
    return json::write(json::Object{{"action", "set"},
                                    {"password", password},
                                    {"current_password", current},
                                    {"session", session}});
  }
  std::size_t jobs() {
    std::size_t count = 0;
    rig.database.read([&](store::Reader& reader) {
      for (const auto& row : reader.countJobs()) count += static_cast<std::size_t>(row.count);
    });
    return count;
  }
  http::Request withScope(http::Request request, access::Scope scope) {
    request.authorization = "Bearer " + rig.keyWith({scope}).reveal();
    return request;
  }

  void aGeneratedOneIsDoneOnceActiveCampaignHoldsIt() {
    dispatcher.start();
    const auto response = rig.answer(post(R"({"action":"generate"})"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact_id":"42","job":"1","state":"done","results":[{"kind":"password",)"
                    R"("id":null,"name":"","action":"set","result":"applied","detail":""}]})"),
        response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("wait=8"), test::headerOf(response, "Preference-Applied"));
  }

  void whoHasOneNeedsForce() {
    give(42, "correct horse");
    dispatcher.start();
    rig.assertProblem(409, "conflict", rig.answer(post(R"({"action":"generate"})")));
    rig.assertProblem(409, "conflict", rig.answer(post(R"({"action":"generate","force":false})")));
    auto wish = members::PasswordPayload::Wish::kNone;
    activeCampaign = [&](members::PasswordPayload& payload) {
      wish = payload.wish;
      payload.issued = true;
      return Verdict::done();
    };
    CPPUNIT_ASSERT_EQUAL(200, rig.answer(post(R"({"action":"generate","force":true})")).status);
    CPPUNIT_ASSERT(wish == members::PasswordPayload::Wish::kReplace);
  }

  void oneThatOnlyActiveCampaignKnowsOfIsAConflictToo() {
    activeCampaign = [](members::PasswordPayload& payload) {
      payload.confirmed = true;
      return Verdict::done();
    };
    dispatcher.start();
    rig.assertProblem(409, "conflict", rig.answer(post(R"({"action":"generate"})")));
  }

  void whoDoesNotWaitGetsTheJob() {
    const auto response = rig.answer(post(R"({"action":"generate"})", "42", "wait=0"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("/membergate/v1/jobs/1"),
                         test::headerOf(response, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("pending"), ApiRig::member(response, "state"));
  }

  void pastTheBoundOnWaitingRepliesTheJobIsAnsweredAtOnce() {
    auto recorded = test::RecordedReply::make();
    recorded->refuseWaiting();
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(R"({"action":"generate"})"), *recorded).status);
  }

  void aJobThatWasGivenUpIsNoSuccess() {
    activeCampaign = [](members::PasswordPayload&) { return Verdict::dead("no such contact"); };
    dispatcher.start();
    rig.assertProblem(503, "unavailable", rig.answer(post(R"({"action":"generate"})")));
  }

  void theSiteSetsOne() {
    const std::string token = session(42);
    dispatcher.start();
    const auto response = rig.answer(
        withScope(post(R"({"action":"set","password":"a fine password"})"), access::Scope::kAdmin));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT(response.body.find("fine") == std::string::npos);
    CPPUNIT_ASSERT(knows(42, "a fine password"));
    CPPUNIT_ASSERT_MESSAGE("sessions have ended", !sessions.find(token)->has_value());
  }

  void thePolicyIsToldInASentence() {
    for (const char* bad : {"short", "Jane@Example.com", "1234567890", "passwordpassword"}) {
      const auto response =
          rig.answer(post(json::write(json::Object{{"action", "set"}, {"password", bad}})));
      rig.assertProblem(400, "invalid_request", response);
      CPPUNIT_ASSERT(response.body.find(bad) == std::string::npos);
    }
    CPPUNIT_ASSERT(!knows(42, "short") && jobs() == 0);
  }

  void aMemberChangesHisOwn() {
    give(42, "correct horse");
    dispatcher.start();
    const std::string token = session(42);
    const auto response =
        rig.answer(withScope(post(own(token, "correct horse")), access::Scope::kLogin));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT(knows(42, "a fine password") && !sessions.find(token)->has_value());
  }

  void aWrongCurrentPasswordIsRefusedNoSoonerThanHalfASecond() {
    give(42, "correct horse");
    auto recorded = test::RecordedReply::make();
    const auto request = post(own(session(42), "wrong"));
    rig.assertProblem(401, "invalid_credentials", rig.answer(request, *recorded));
    CPPUNIT_ASSERT(recorded->putOffUntil() == request.arrived + Milliseconds{500});
    CPPUNIT_ASSERT(knows(42, "correct horse") && jobs() == 0);
  }

  void guessingTheCurrentPasswordIsThrottled() {
    give(42, "correct horse");
    const std::string token = session(42);
    int refused = 0;
    while (rig.answer(post(own(token, "wrong"))).status == 401) ++refused;
    CPPUNIT_ASSERT_EQUAL(20, refused);
    rig.assertProblem(429, "throttled", rig.answer(post(own(token, "correct horse"))));
    CPPUNIT_ASSERT(knows(42, "correct horse"));
  }

  void theSessionMustBeTheMembersAndOfAPassword() {
    give(42, "correct horse");
    for (const std::string& token :
         {session(44), session(42, "link"), std::string(43, 'x'), std::string()}) {
      rig.assertProblem(404, "not_found", rig.answer(post(own(token, "correct horse"))));
    }
    CPPUNIT_ASSERT(knows(42, "correct horse"));
  }

  void aContactWithoutAnEmailGetsNone() {
    rig.assertProblem(409, "conflict", rig.answer(post(R"({"action":"generate"})", "43")));
    rig.assertProblem(409, "conflict",
                      rig.answer(post(R"({"action":"set","password":"a fine password"})", "43")));
  }

  void anUnknownContactIsNotFound() {
    rig.assertProblem(404, "not_found", rig.answer(post(R"({"action":"generate"})", "99")));
    rig.assertProblem(400, "invalid_request", rig.answer(post(R"({"action":"generate"})", "x")));
  }

  void aBodyOfAnotherShapeIsRefused() {
    for (const char* body :
         {"", "[]", "{", R"({"action":"lend"})", R"({"action":1})", R"({"action":null})", "{}",
          R"({"action":"set"})", R"({"action":"set","password":null})",
          R"({"action":"set","password":7})", R"({"action":"generate","force":"yes"})",
          R"({"action":"set","password":"a fine password","session":"x"})",
          R"({"action":"set","password":"a fine password","current_password":"x"})",
          "{\"action\":\"set\",\"password\":\"a fine \\u0000 password\"}"}) {
      auto request = post(body);
      request.contentType = "application/json";
      rig.assertProblem(400, "invalid_request", rig.answer(request));
    }
    for (const char* body :
         {R"({"action":"generate","password":"a fine password"})",
          R"({"action":"set","password":"a fine password","force":true})",
          R"({"action":"link","force":true})", R"({"action":"generate","email":"x"})"}) {
      rig.assertProblem(400, "unknown_field", rig.answer(post(body)));
    }
    auto request = post(R"({"action":"generate"})");
    request.contentType = "text/plain";
    rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    request = post("{\"action\":\"" + std::string(70000, 'x') + "\"}");
    rig.assertProblem(413, "too_large", rig.answer(request));
    rig.assertProblem(400, "invalid_request",
                      rig.answer(post(json::write(
                          json::Object{{"action", "set"}, {"password", std::string(257, 'x')}}))));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, jobs());
  }

  void aChangeThatCouldNotBeCommittedIsTold() {
    CPPUNIT_ASSERT(rig.cache.findById(42).ok());
    rig.store.down = true;
    for (const char* body :
         {R"({"action":"generate"})", R"({"action":"set","password":"a fine password"})"}) {
      rig.assertProblem(503, "unavailable", rig.answer(post(body)));
    }
  }

  void aKeyWithTheScopeIsNeeded() {
    const std::string token = session(42);
    give(42, "correct horse");
    for (const char* body : {R"({"action":"generate","force":true})",
                             R"({"action":"set","password":"a fine password"})"}) {
      rig.assertNeedsScope(access::Scope::kAdmin, post(body));
    }
    for (const access::Scope scope :
         {access::Scope::kContactsRead, access::Scope::kContactsWrite}) {
      rig.assertProblem(403, "scope",
                        rig.answer(withScope(post(own(token, "correct horse")), scope)));
    }
    CPPUNIT_ASSERT(knows(42, "correct horse") && jobs() == 0);
  }

  void aLinkIsInTheAnswer() {
    const auto response = rig.answer(post(R"({"action":"link"})"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    const std::string url = ApiRig::member(response, "link");
    std::optional<ContactId> owner;
    rig.database.read([&](store::Reader& reader) {
      owner = links.ownerOfLink(reader, Secret(url), rig.clock.now());
    });
    CPPUNIT_ASSERT(owner == ContactId{42});
    CPPUNIT_ASSERT_EQUAL(formatRfc3339(rig.clock.now() + std::chrono::hours{7 * 24}),
                         ApiRig::member(response, "expires_at"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, jobs());
  }

  void aPushedLinkIsAwaited() {
    dispatcher.start();
    const auto response = rig.answer(post(R"({"action":"link","push":true})"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("done"), ApiRig::member(response, "state"));
    CPPUNIT_ASSERT(response.body.find("http") == std::string::npos);
  }

  void withoutAnAddressALinkIsAConflict() {
    members::PasswordChanger unable{
        rig.store, hasher, pool, sealer, rig.clock, [] {}, members::PasswordChanger::Options{}};
    http::Router router;
    PasswordRoutes other{rig.apiKeys, throttle, sessions, lookup, unable, dispatcher, {}};
    other.registerOn(router);
    for (const char* body : {R"({"action":"link"})", R"({"action":"link","push":true})"}) {
      const auto recorded = test::RecordedReply::make();
      router.handle(post(body), recorded->reply());
      rig.assertProblem(409, "conflict", recorded->wait());
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordRoutesTest);

}  // namespace mbr::api
