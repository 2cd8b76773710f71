#include "webhook/autologin_route.h"

#include <vector>

#include "support/login_rig.h"

namespace mbr::webhook {

using test::LoginRig;
class AutologinRouteTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AutologinRouteTest);
  CPPUNIT_TEST(aLinkOpensASessionAndLeadsIntoTheSite);
  CPPUNIT_TEST(theSessionIsOnDiskAndSaysThatItCameByALink);
  CPPUNIT_TEST(theCookieIsSecureOverHttps);
  CPPUNIT_TEST(nobodyIsLedOutOfTheSite);
  CPPUNIT_TEST(itIsOffUnlessSwitchedOn);
  CPPUNIT_TEST(otherMethodsLetNobodyIn);
  CPPUNIT_TEST(theCodeMustBeForThisRoute);
  CPPUNIT_TEST(idAndEmailMustBeOfOneContact);
  CPPUNIT_TEST(theTokenMustBeTheContacts);
  CPPUNIT_TEST(withoutATokenFieldNoTokenIsNeeded);
  CPPUNIT_TEST(whoIsNotEntitledIsRefused);
  CPPUNIT_TEST(everyRefusalIsOnePageNoSoonerThanHalfASecond);
  CPPUNIT_TEST(noAnswerMayBeKeptOrNamedElsewhere);
  CPPUNIT_TEST(aMemberWithoutAPasswordMayComeByALink);
  CPPUNIT_TEST(guessingIsThrottled);
  CPPUNIT_TEST(whatCouldNotBeSavedLetsNobodyIn);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST_SUITE_END();

  LoginRig rig{test::memberOptions()};
  members::LinkTokens tokens{rig.keys, "TOKEN"};
  members::LinkVerifier links{rig.cache,         rig.source,
                              rig.verifier,      tokens,
                              rig.clock,         members::RefreshPolicy::kStale,
                              Milliseconds{1500}};
  std::optional<Error> saving;  // fails so
  AutologinRoute::SaveSession save = [this](const store::SessionRecord& session,
                                            std::function<void(Outcome)> done) {
    if (saving) return done(*saving);
    rig.store.submit(
        [session](store::Transaction& tx) -> Outcome {
          tx.saveSession(session);
          return Done{};
        },
        std::move(done));
  };
  AutologinRoute route{
      {true, Milliseconds{500}}, rig.codes, rig.throttle, rig.sessions, links, rig.clock, save};
  std::string code;

 public:
  void setUp() override {
    code = rig.codes.create("mail", {access::Purpose::kAutologin})->reveal();
    route.registerOn(rig.router);
    member(42, "jane@example.com", {12});
    rig.password(42, "correct horse");
  }

 private:
  void member(ContactId id, const std::string& email, std::vector<TagId> tags,
              const std::string& token = "the token") {
    rig.contact(id, email, [&](Contact& contact) {
      contact.tags = std::move(tags);
      if (!token.empty()) contact.fields["TOKEN"] = tokens.digest(id, token);
    });
  }
  http::Response follow(const std::string& query) {
    return rig.answer(rig.request("GET", "mbr_autologin=" + code + query));
  }
  http::Response janes(const std::string& more = "") {
    return follow("&id=42&email=Jane%40example.com&t=the%20token" + more);
  }
  static std::string cookie(const http::Response& response) {
    return test::headerOf(response, "Set-Cookie");
  }
  void assertAdmitted(const http::Response& response) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 303, response.status);
    CPPUNIT_ASSERT(!cookie(response).empty());
  }
  void assertRefused(const http::Response& response, int status = 403) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, status, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("text/html; charset=utf-8"), response.contentType);
    CPPUNIT_ASSERT(cookie(response).empty());
    CPPUNIT_ASSERT(test::headerOf(response, "Location").empty());
  }

  void aLinkOpensASessionAndLeadsIntoTheSite() {
    const auto response = janes("&redir=%2Fmembers%2F%3Fa%3D1&add_tags=66");
    assertAdmitted(response);
    CPPUNIT_ASSERT_EQUAL(std::string("/members/?a=1"), test::headerOf(response, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("/"), test::headerOf(janes(), "Location"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void theSessionIsOnDiskAndSaysThatItCameByALink() {
    const std::string set = cookie(janes());
    const std::string name = "membergate_session=";
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, set.find(name));
    const auto end = set.find(';');
    CPPUNIT_ASSERT_EQUAL(std::string("; HttpOnly; SameSite=Lax; Path=/"), set.substr(end));
    rig.database.reopen();
    access::Sessions again{rig.database.store(), rig.random, rig.clock};
    const auto session = again.find(set.substr(name.size(), end - name.size()));
    CPPUNIT_ASSERT(session && *session);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, (*session)->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("link"), (*session)->via);
  }

  void theCookieIsSecureOverHttps() {
    auto request =
        rig.request("GET", "mbr_autologin=" + code + "&id=42&email=jane@example.com&t=the+token");
    request.https = true;
    const std::string set = cookie(rig.answer(request));
    CPPUNIT_ASSERT(set.find("; Secure") != std::string::npos);
  }

  void nobodyIsLedOutOfTheSite() {
    for (const char* redir :
         {"//evil.example", "%2F%2Fevil.example", "%2F%5Cevil.example", "https://evil.example",
          "javascript:alert(1)", "evil", "%2F%09/evil", "/a%0d%0aSet-Cookie:x=1", ""}) {
      const auto response = janes("&redir=" + std::string(redir));
      assertAdmitted(response);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(redir, std::string("/"), test::headerOf(response, "Location"));
    }
  }

  void itIsOffUnlessSwitchedOn() {
    AutologinRoute off{{}, rig.codes, rig.throttle, rig.sessions, links, rig.clock, save};
    http::Router router;
    off.registerOn(router);
    const auto recorded = test::RecordedReply::make();
    router.handle(
        rig.request("GET", "mbr_autologin=" + code + "&id=42&email=jane@example.com&t=the+token"),
        recorded->reply());
    assertRefused(recorded->wait());
  }

  void otherMethodsLetNobodyIn() {
    for (const char* method : {"HEAD", "POST", "OPTIONS"}) {
      const auto response = rig.answer(rig.request(
          method, "mbr_autologin=" + code + "&id=42&email=jane@example.com&t=the+token"));
      assertRefused(response, 405);
      CPPUNIT_ASSERT_EQUAL(std::string("GET"), test::headerOf(response, "Allow"));
    }
  }

  void theCodeMustBeForThisRoute() {
    const auto other =
        rig.codes.create("other", {access::Purpose::kGenpass, access::Purpose::kEvents,
                                   access::Purpose::kClearuser, access::Purpose::kAuth});
    const std::string rest = "&id=42&email=jane@example.com&t=the+token";
    for (const std::string& query :
         {"mbr_autologin=" + other->reveal() + rest, "mbr_autologin=" + rest,
          "mbr_autologin=" + code + rest + "&mbr_autologin=" + code}) {
      assertRefused(rig.answer(rig.request("GET", query)));
    }
  }

  void idAndEmailMustBeOfOneContact() {
    member(43, "sam@example.com", {12});
    const std::string token = "&t=the+token";
    for (const char* claim :
         {"&id=42", "&email=jane@example.com", "&id=43&email=jane@example.com",
          "&id=42&email=sam@example.com", "&id=&email=", "&id=0x2a&email=jane@example.com",
          "&id=42&email=jane", "&id=99&email=jane@example.com", "&id=42&email=%ZZ"}) {
      assertRefused(follow(claim + token));
    }
  }

  void theTokenMustBeTheContacts() {
    member(43, "sam@example.com", {12}, "");
    const std::string digest = tokens.digest(42, "the token");
    const std::string jane = "&id=42&email=jane@example.com";
    for (const std::string& claim :
         {jane, jane + "&t=", jane + "&t=the+token+", jane + "&t=" + digest,
          std::string("&id=43&email=sam@example.com&t="),
          std::string("&id=43&email=sam@example.com"),
          std::string("&id=43&email=sam@example.com&t=the+token")}) {
      assertRefused(follow(claim));
    }
  }

  void withoutATokenFieldNoTokenIsNeeded() {
    const members::LinkTokens none{rig.keys, ""};
    members::LinkVerifier open{rig.cache,         rig.source,
                               rig.verifier,      none,
                               rig.clock,         members::RefreshPolicy::kStale,
                               Milliseconds{1500}};
    AutologinRoute route2{
        {true, Milliseconds{500}}, rig.codes, rig.throttle, rig.sessions, open, rig.clock, save};
    http::Router router;
    route2.registerOn(router);
    const auto recorded = test::RecordedReply::make();
    router.handle(rig.request("GET", "mbr_autologin=" + code + "&id=42&email=jane@example.com"),
                  recorded->reply());
    assertAdmitted(recorded->wait());
  }

  void whoIsNotEntitledIsRefused() {
    member(42, "jane@example.com", {12, 66});
    assertRefused(janes());
    member(42, "jane@example.com", {13});
    assertRefused(janes());
  }

  void everyRefusalIsOnePageNoSoonerThanHalfASecond() {
    const auto wrong = follow("&id=42&email=jane@example.com&t=guess");
    CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
    const auto unknown = follow("&id=99&email=nobody@example.com&t=guess");
    CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
    member(42, "jane@example.com", {66});
    const auto banned = janes();
    CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
    CPPUNIT_ASSERT_EQUAL(wrong.body, unknown.body);
    CPPUNIT_ASSERT_EQUAL(wrong.body, banned.body);
  }

  void noAnswerMayBeKeptOrNamedElsewhere() {
    for (const auto& response : {janes(), follow(""), follow("&id=42&email=x@example.com")}) {
      CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
      CPPUNIT_ASSERT_EQUAL(std::string("no-referrer"), test::headerOf(response, "Referrer-Policy"));
    }
  }

  void aMemberWithoutAPasswordMayComeByALink() {
    member(43, "sam@example.com", {12});
    assertAdmitted(follow("&id=43&email=sam@example.com&t=the+token"));
  }

  void guessingIsThrottled() {
    for (int i = 0; i < 5; ++i) follow("&id=42&email=jane@example.com&t=guess");
    const auto response = janes();
    assertRefused(response, 429);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(response, "Retry-After"));
    rig.clock.advance(std::chrono::seconds{1});
    assertAdmitted(janes());
  }

  void whatCouldNotBeSavedLetsNobodyIn() {
    saving = Error{Code::kUnavailable, "disk"};
    assertRefused(janes(), 503);
    saving = Error{Code::kConflict, "the contact is gone"};
    assertRefused(janes());
  }

  void aStoreThatIsDownIsTold() {
    follow("&id=99&email=nobody@example.com");  // the codes are known from here on
    rig.store.down = true;
    assertRefused(janes(), 503);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AutologinRouteTest);

}  // namespace mbr::webhook
