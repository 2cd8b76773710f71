#include "api/authz_routes.h"

#include <map>
#include <vector>

#include "api/rig.h"

namespace mbr::api {

using std::chrono::hours;
using std::chrono::minutes;

class AuthzRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AuthzRoutesTest);
  CPPUNIT_TEST(aMemberWhomTheRuleAdmitsPassesWithHisIdentity);
  CPPUNIT_TEST(identityIsSafeInHeaders);
  CPPUNIT_TEST(withoutASessionInForceItIs401);
  CPPUNIT_TEST(aRuleThatDoesNotAdmitIs403);
  CPPUNIT_TEST(anUnknownOrMissingRuleIs403);
  CPPUNIT_TEST(tagsAreThoseOfNow);
  CPPUNIT_TEST(aTagHeardLongAgoAdmitsNobodyAndIsNotNamed);
  CPPUNIT_TEST(theBanTagKeepsOutByIdAndByName);
  CPPUNIT_TEST(aBanTagThatCannotBeToldKeepsEveryoneOut);
  CPPUNIT_TEST(aContactThatIsGoneIs401);
  CPPUNIT_TEST(howTheSessionBeganCounts);
  CPPUNIT_TEST(aStoreThatIsDownIs403);
  CPPUNIT_TEST(anyMethodIsAnsweredAlike);
  CPPUNIT_TEST(theRouteIsReachedByItsDocumentUriAlone);
  CPPUNIT_TEST(answersAreCounted);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  access::Sessions sessions{rig.store, rig.random, rig.clock};
  AuthzRoutes routes{sessions, rig.cache, rig.directories, rig.clock, options("Banned")};
  std::string token;

  static AuthzRoutes::Options options(std::optional<std::string> banTag) {
    AuthzRoutes::Options made;
    for (const auto& [name, text] :
         std::map<std::string, std::string>{{"members", "member"},
                                            {"gold", "tag:Gold"},
                                            {"not-gold", "not tag:2"},
                                            {"typo", "not tag:Goold"},
                                            {"strict", "not via:link"}}) {
      made.rules.emplace(name, access::GateRule::parse(text).value());
    }
    made.banTag = std::move(banTag);
    return made;
  }

 public:
  void setUp() override {
    routes.registerOn(rig.router);
    nameTags();
    member({2, 7});
    token = begin(42);
  }

 private:
  void nameTags(bool complete = true) {
    rig.database.write([&](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, {{2, "Gold"}, {9, "Banned"}});
      if (complete) tx.setMeta(contacts::kDirectoriesFetched, "yes");
    });
  }
  void member(std::vector<TagId> tags, const std::function<void(Contact&)>& more = {}) {
    rig.saveContact(42, "jane@example.com", [&](Contact& contact) {
      contact.tags = std::move(tags);
      if (more) more(contact);
    });
  }
  std::string begin(ContactId contact, std::string_view via = "password") {
    const auto prepared = sessions.prepare(contact, via);
    rig.database.write([&](store::Transaction& tx) { tx.saveSession(prepared.record); });
    return prepared.token.reveal();
  }

  http::Request question(const std::string& rule, const std::string& cookies) const {
    http::Request request = rig.request("GET", "/members/page.html?x=1");
    request.authorization.clear();
    request.documentUri = "/.membergate/authz";
    if (!rule.empty()) request.params["MEMBERGATE_RULE"] = rule;
    if (!cookies.empty()) request.headers["cookie"] = cookies;
    return request;
  }
  http::Response ask(const http::Request& request) const { return ask(rig.router, request); }
  static http::Response ask(const http::Router& router, const http::Request& request) {
    const auto recorded = test::RecordedReply::make();
    router.handle(request, recorded->reply());
    CPPUNIT_ASSERT(recorded->isAnswered());  // at once: a fast worker never waits
    return recorded->wait();
  }
  http::Response ask(const std::string& rule) const {
    return ask(question(rule, "membergate_session=" + token));
  }
  void is(int status, const std::string& rule) const {
    const auto response = ask(rule);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(rule, status, response.status);
    CPPUNIT_ASSERT(response.bodyView().empty());
    if (status != 204) CPPUNIT_ASSERT(response.headers.empty());
  }

  void aMemberWhomTheRuleAdmitsPassesWithHisIdentity() {
    const auto response = ask("gold");
    CPPUNIT_ASSERT_EQUAL(204, response.status);
    CPPUNIT_ASSERT(response.bodyView().empty() && response.contentType.empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, response.headers.size());
    CPPUNIT_ASSERT_EQUAL(std::string("42"), test::headerOf(response, "X-Membergate-Contact"));
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"),
                         test::headerOf(response, "X-Membergate-Email"));
    CPPUNIT_ASSERT_EQUAL(std::string("2,7"), test::headerOf(response, "X-Membergate-Tags"));
  }

  void identityIsSafeInHeaders() {
    const std::map<std::string, std::string> written{
        {"jos\xc3\xa9@example.com", "jos%C3%A9@example.com"},
        {"a%41+b'c\"d@example.com", "a%2541+b'c\"d@example.com"},
        {"\xe2\x82\xac{}~@example.com", "%E2%82%AC{}~@example.com"},
    };
    for (const auto& [email, value] : written) {
      member({}, [&, mail = email](Contact& contact) {
        contact.email = Email::parse(mail);
        CPPUNIT_ASSERT_MESSAGE(value, contact.email.has_value());
      });
      CPPUNIT_ASSERT_EQUAL(value, test::headerOf(ask("members"), "X-Membergate-Email"));
    }
    member({}, [](Contact& contact) { contact.email.reset(); });
    const auto response = ask("members");
    CPPUNIT_ASSERT_EQUAL(204, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(response, "X-Membergate-Email"));
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(response, "X-Membergate-Tags"));
  }

  void withoutASessionInForceItIs401() {
    const std::string good = "membergate_session=" + token;
    for (const std::string& cookies :
         {std::string(), std::string("a=b"), "x" + good, std::string("membergate_session="),
          "membergate_session=" + std::string(43, 'x'), good + "x", "membergate_session=x; " + good,
          std::string(100000, ';')}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(cookies.substr(0, 80), 401,
                                   ask(question("gold", cookies)).status);
    }
    CPPUNIT_ASSERT_EQUAL(204, ask(question("gold", "a=b; " + good + "; c=d")).status);
    auto bearer = question("gold", "");
    bearer.headers["membergate-session"] = token;
    CPPUNIT_ASSERT_EQUAL(401, ask(bearer).status);
    rig.clock.advance(hours{13});
    is(401, "gold");
  }

  void aRuleThatDoesNotAdmitIs403() {
    is(403, "not-gold");
    is(403, "typo");
    member({7});
    is(403, "gold");
    is(204, "not-gold");
  }

  void anUnknownOrMissingRuleIs403() {
    for (const char* rule : {"", "nobody", "Gold", "gold ", "members,gold"}) is(403, rule);
    CPPUNIT_ASSERT_EQUAL(403, ask(question("", "")).status);
    // What a client says is a header, never a parameter.
    auto claimed = question("", "membergate_session=" + token);
    claimed.headers["membergate-rule"] = claimed.headers["x-membergate-rule"] = "members";
    CPPUNIT_ASSERT_EQUAL(403, ask(claimed).status);
  }

  void tagsAreThoseOfNow() {
    is(204, "gold");
    member({7});
    is(403, "gold");
    member({2});
    is(204, "gold");
    CPPUNIT_ASSERT_EQUAL(std::string("2"), test::headerOf(ask("gold"), "X-Membergate-Tags"));
  }

  void aTagHeardLongAgoAdmitsNobodyAndIsNotNamed() {
    const Instant heard = rig.clock.now();
    member({2, 7}, [&](Contact& contact) {
      contact.ownChanges = {{OwnChange::Kind::kTagHeard, 2, {}, {}, heard}};
    });
    rig.clock.advance(minutes{10});
    is(204, "gold");
    is(403, "not-gold");
    rig.clock.advance(minutes{1});
    is(403, "gold");
    is(403, "not-gold");
    CPPUNIT_ASSERT_EQUAL(std::string("7"), test::headerOf(ask("members"), "X-Membergate-Tags"));
  }

  void theBanTagKeepsOutByIdAndByName() {
    const Instant heard = rig.clock.now();
    member({2, 9}, [&](Contact& contact) {
      contact.ownChanges = {{OwnChange::Kind::kTagHeard, 9, {}, {}, heard}};
    });
    is(403, "gold");
    is(403, "members");
    rig.clock.advance(minutes{11});  // no way around a ban
    is(403, "members");

    member({2, 9});
    AuthzRoutes byId{sessions, rig.cache, rig.directories, rig.clock, options("9")};
    AuthzRoutes none{sessions, rig.cache, rig.directories, rig.clock, options(std::nullopt)};
    http::Router banning, free;
    byId.registerOn(banning);
    none.registerOn(free);
    const auto asked = question("gold", "membergate_session=" + token);
    CPPUNIT_ASSERT_EQUAL(403, ask(banning, asked).status);
    CPPUNIT_ASSERT_EQUAL(204, ask(free, asked).status);
  }

  void aBanTagThatCannotBeToldKeepsEveryoneOut() {
    AuthzRoutes other{sessions, rig.cache, rig.directories, rig.clock, options("Villains")};
    http::Router router;
    other.registerOn(router);
    const auto asked = question("members", "membergate_session=" + token);
    // ActiveCampaign has no such tag, so nobody carries it.
    CPPUNIT_ASSERT_EQUAL(204, ask(router, asked).status);

    ApiRig fresh;  // whose directories were never fetched
    access::Sessions others{fresh.store, fresh.random, fresh.clock};
    AuthzRoutes early{others, fresh.cache, fresh.directories, fresh.clock, options("Villains")};
    early.registerOn(fresh.router);
    fresh.saveContact(42, "jane@example.com");
    const auto prepared = others.prepare(42, "password");
    fresh.database.write([&](store::Transaction& tx) { tx.saveSession(prepared.record); });
    const auto mine = question("members", "membergate_session=" + prepared.token.reveal());
    CPPUNIT_ASSERT_EQUAL(403, ask(fresh.router, mine).status);
  }

  void aContactThatIsGoneIs401() {
    member({2}, [&](Contact& contact) { contact.deletedAt = rig.clock.now(); });
    is(401, "gold");
    token = begin(77);
    is(401, "gold");
  }

  void howTheSessionBeganCounts() {
    is(204, "strict");
    token = begin(42, "link");
    is(403, "strict");
    is(204, "gold");
  }

  void aStoreThatIsDownIs403() {
    is(204, "gold");
    rig.store.down = true;
    is(403, "gold");
    rig.store.down = false;
    is(204, "gold");
  }

  void anyMethodIsAnsweredAlike() {
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
      auto request = question("gold", "membergate_session=" + token);
      request.method = method;
      request.bodyState = http::Request::BodyState::kIncomplete;
      CPPUNIT_ASSERT_EQUAL_MESSAGE(method, 204, ask(request).status);
    }
  }

  void theRouteIsReachedByItsDocumentUriAlone() {
    for (const char* uri :
         {"", "/", "/.membergate/authz/", "/.membergate/Authz", "/membergate/v1"}) {
      auto request = question("gold", "membergate_session=" + token);
      request.documentUri = uri;
      for (const char* path : {"/.membergate/authz", "/membergate/../.membergate/authz",
                               "/%2emembergate/authz", "//.membergate/authz"}) {
        request.path = path;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 404, ask(request).status);
      }
    }
  }

  void answersAreCounted() {
    const auto count = [](const char* result) {
      return ops::counter("membergate_authz_total", "Requests for gated pages by the answer",
                          {{"result", result}})
          .value();
    };
    const std::vector<const char*> words{"admitted", "no_session", "no_rule",
                                         "banned",   "refused",    "unavailable"};
    std::map<std::string, double> before;
    for (const char* word : words) before[word] = count(word);
    is(204, "gold");
    is(403, "not-gold");
    is(403, "nobody");
    ask(question("gold", ""));
    rig.store.down = true;
    is(403, "gold");
    rig.store.down = false;
    member({9});
    is(403, "members");
    for (const char* word : words) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(word, before[word] + 1, count(word));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthzRoutesTest);

}  // namespace mbr::api
