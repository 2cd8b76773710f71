#include "webhook/auth_route.h"

#include <vector>

#include "support/login_rig.h"

namespace mbr::webhook {

using test::LoginRig;
namespace {

HiddenField hiddenFields() {
  return [](std::string_view key) { return key == "PASSWORD" || key == "TOKEN"; };
}

members::LoginOptions memberOptions() {
  members::LoginOptions options;
  options.requiredTags = {"12", "Silver"};
  options.banTag = "Banned";
  return options;
}

}  // namespace

class AuthRouteTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AuthRouteTest);
  CPPUNIT_TEST(theRightPasswordIsAnsweredWithTheContact);
  CPPUNIT_TEST(theParametersButThePasswordMayStandInTheUrl);
  CPPUNIT_TEST(theBodysParametersGoBeforeTheUrls);
  CPPUNIT_TEST(aPasswordInTheUrlIsRefusedHoweverItIsSpelt);
  CPPUNIT_TEST(otherMethodsAreToldWhyNot);
  CPPUNIT_TEST(theCodeMustBeForThisRoute);
  CPPUNIT_TEST(everyWrongLoginGetsTheSameBytesNoSoonerThanHalfASecond);
  CPPUNIT_TEST(theFieldsAskedForAreAnswered);
  CPPUNIT_TEST(hiddenFieldsAreNeverAnswered);
  CPPUNIT_TEST(allRequiredTagsAreNeeded);
  CPPUNIT_TEST(theRulesOfTheRestLoginApply);
  CPPUNIT_TEST(noSessionIsMade);
  CPPUNIT_TEST(guessingIsThrottledByAccountAlone);
  CPPUNIT_TEST(aCallerMayNameTheClientsAddress);
  CPPUNIT_TEST(aFullHashQueueIsBusyAndCountsNoFailure);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(whatCannotBeUnderstoodIsRefused);
  CPPUNIT_TEST(bodiesAreCheckedAfterTheCode);
  CPPUNIT_TEST_SUITE_END();

  LoginRig rig{memberOptions()};
  AuthRoute route{{hiddenFields}, rig.codes, rig.logins, rig.directories};
  std::string code;

 public:
  void setUp() override {
    code = rig.codes.create("app", {access::Purpose::kAuth})->reveal();
    route.registerOn(rig.router);
    rig.contact(42, "jane@example.com", [](Contact& contact) {
      contact.lastName = "Hill";
      contact.tags = {12, 13};
      contact.fields = {{"CITY", "Turin"}, {"TOKEN", "digest"}};
    });
    rig.password(42, "correct horse");
    rig.contact(43, "none@example.com");
  }

 private:
  http::Response post(const std::string& body, const std::string& query = "") {
    return rig.answer(rig.request("POST", "mbr_auth=" + code + query, body));
  }
  http::Response login(const std::string& more = "", const std::string& query = "") {
    return post("user=jane%40example.com&pass=correct+horse" + more, query);
  }
  static std::string contactOf(const http::Response& response) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    const auto body = json::parse(response.body);
    CPPUNIT_ASSERT((*body)["result"].asBool() != nullptr && *(*body)["result"].asBool());
    return json::write((*body)["contact"]);
  }

  void theRightPasswordIsAnsweredWithTheContact() {
    const auto response = login();
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"result":true,"contact":{"id":"42",)"
                                     R"("email":"jane@example.com","first_name":"Jane",)"
                                     R"("last_name":"Hill","phone":"","CITY":"Turin"}})"),
                         response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void theParametersButThePasswordMayStandInTheUrl() {
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"id":"42"})"),
        contactOf(post("pass=correct%20horse",
                       "&user=%20Jane@Example.com&retfields=id&required_tags=12")));
  }

  void theBodysParametersGoBeforeTheUrls() {
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"phone":""})"),
        contactOf(login("&retfields=phone", "&user=x%40example.com&retfields=id")));
  }

  void aPasswordInTheUrlIsRefusedHoweverItIsSpelt() {
    for (const char* query : {"&pass=correct+horse", "&pass=", "&pass", "&p%61ss=x"}) {
      rig.assertProblem(400, "invalid_request", login("", query));
    }
  }

  void otherMethodsAreToldWhyNot() {
    for (const char* method : {"GET", "HEAD", "PUT"}) {
      const auto response = rig.answer(
          rig.request(method, "mbr_auth=" + code + "&user=jane@example.com&pass=correct+horse"));
      rig.assertProblem(405, "method_not_allowed", response);
      CPPUNIT_ASSERT_EQUAL(std::string("POST"), test::headerOf(response, "Allow"));
      CPPUNIT_ASSERT(response.body.find("logs") != std::string::npos);
      CPPUNIT_ASSERT(response.body.find("horse") == std::string::npos);
    }
  }

  void theCodeMustBeForThisRoute() {
    const std::string body = "user=jane%40example.com&pass=correct+horse";
    const auto other = rig.codes.create(
        "other",
        {access::Purpose::kGenpass, access::Purpose::kEvents, access::Purpose::kClearuser});
    for (const std::string& query : {"mbr_auth=" + other->reveal(), std::string("mbr_auth="),
                                     "mbr_auth=" + code + "&mbr_auth=" + code}) {
      rig.assertProblem(403, "code", rig.answer(rig.request("POST", query, body)));
    }
  }

  void everyWrongLoginGetsTheSameBytesNoSoonerThanHalfASecond() {
    for (const char* body : {"user=jane%40example.com&pass=wrong", "user=jane%40example.com&pass=",
                             "user=unknown%40example.com&pass=correct+horse",
                             "user=none%40example.com&pass=correct+horse", "user=&pass=x",
                             "user=jane%40example.com&pass=wrong&required_tags=99",
                             "user=no+address&pass=correct+horse"}) {
      const auto response = post(body);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(body, 401, response.status);
      CPPUNIT_ASSERT_EQUAL(std::string(R"({"result":false})"), response.body);
      CPPUNIT_ASSERT_EQUAL(std::string("application/json"), response.contentType);
      CPPUNIT_ASSERT(response.headers.empty());
      CPPUNIT_ASSERT(rig.recorded->putOffUntil() == rig.clock.steady() + Milliseconds{500});
    }
  }

  void theFieldsAskedForAreAnswered() {
    for (const auto& [asked, expected] : std::vector<std::pair<const char*, const char*>>{
             {"email", R"({"email":"jane@example.com"})"},
             {"city%2C+First_Name", R"({"first_name":"Jane","CITY":"Turin"})"},
             {"City,CITY,city", R"({"CITY":"Turin"})"},
             {"colour", R"({"COLOUR":""})"},  // known, without a value
             {"shoe_size,LAST_NAME", R"({"last_name":"Hill"})"},
             {"shoe_size", "{}"}}) {
      CPPUNIT_ASSERT_EQUAL(std::string(expected),
                           contactOf(login("&retfields=" + std::string(asked))));
    }
    CPPUNIT_ASSERT_EQUAL(contactOf(login()), contactOf(login("&retfields=")));
    CPPUNIT_ASSERT_EQUAL(contactOf(login()), contactOf(login("&retfields=%20,")));
  }

  void hiddenFieldsAreNeverAnswered() {
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), contactOf(login("&retfields=PASSWORD,password,token")));
  }

  void allRequiredTagsAreNeeded() {
    for (const char* tags : {"12", "12,13", "13%2C+12", "", ","}) {
      CPPUNIT_ASSERT_EQUAL(200, login("&required_tags=" + std::string(tags)).status);
    }
    rig.assertProblem(403, "not_entitled", login("&required_tags=12,14"));
  }

  void theRulesOfTheRestLoginApply() {
    rig.contact(42, "jane@example.com", [](Contact& contact) { contact.tags = {14}; });
    rig.assertProblem(403, "not_entitled", login());
    rig.contact(42, "jane@example.com", [](Contact& contact) { contact.tags = {13}; });
    CPPUNIT_ASSERT_EQUAL(200, login().status);
    rig.contact(42, "jane@example.com", [](Contact& contact) { contact.tags = {12, 66}; });
    rig.assertProblem(403, "not_entitled", login());
  }

  void noSessionIsMade() {
    login();
    rig.database.read([](store::Reader& reader) {
      CPPUNIT_ASSERT(reader.listVisitors({}, Instant::max(), 10).empty());
    });
  }

  void guessingIsThrottledByAccountAlone() {
    // From one address and from many: it is the caller's, not the member's.
    for (int i = 0; i < 20; ++i) {
      CPPUNIT_ASSERT_EQUAL(401, post("user=jane%40example.com&pass=wrong").status);
    }
    const auto response = login();
    rig.assertProblem(429, "throttled", response);
    CPPUNIT_ASSERT_EQUAL(std::string("10"), test::headerOf(response, "Retry-After"));
    rig.clock.advance(std::chrono::seconds{10});
    CPPUNIT_ASSERT_EQUAL(200, login().status);
  }

  void aCallerMayNameTheClientsAddress() {
    for (int i = 0; i < 5; ++i) {
      post("user=jane%40example.com&pass=wrong&client_ip=198.51.100.1");
    }
    rig.assertProblem(429, "throttled", login("&client_ip=198.51.100.1"));
    CPPUNIT_ASSERT_EQUAL(200, login("&client_ip=198.51.100.2").status);
    rig.assertProblem(400, "invalid_request", login("&client_ip=localhost"));
  }

  void aFullHashQueueIsBusyAndCountsNoFailure() {
    rig.pool.stop();
    for (int i = 0; i < 25; ++i) rig.assertProblem(503, "busy", login());
  }

  void aStoreThatIsDownIsTold() {
    post("user=unknown%40example.com&pass=x");  // the codes are known from here on
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", login());
  }

  void whatCannotBeUnderstoodIsRefused() {
    for (const std::string& body :
         {std::string("user=jane%40example.com"), std::string("pass=x"), std::string("x=%ZZ"),
          std::string("user=jane%40example.com&pass=a%00b"),
          std::string("user=jane%40example.com&pass=a%0Ab"),
          std::string("user=jane%40example.com&pass=%C3%28"),
          "user=jane%40example.com&pass=" + std::string(257, 'x')}) {
      rig.assertProblem(400, "invalid_request", post(body));
    }
    rig.assertProblem(400, "invalid_request", login("&required_tags=Gold"));
    rig.assertProblem(400, "invalid_request", login("", "&retfields=%ZZ"));
  }

  void bodiesAreCheckedAfterTheCode() {
    auto request = rig.request("POST", "mbr_auth=" + code, "user=x&pass=y");
    request.contentType = "application/json";
    rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    request = rig.request("POST", "mbr_auth=" + code, std::string(64 * 1024 + 1, 'x'));
    rig.assertProblem(413, "too_large", rig.answer(request));
    request.query = "mbr_auth=wrong";
    rig.assertProblem(403, "code", rig.answer(request));
    request = rig.request("POST", "mbr_auth=" + code, "user=x&pass=y");
    request.bodyState = http::Request::BodyState::kIncomplete;
    rig.assertProblem(400, "invalid_request", rig.answer(request));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthRouteTest);

}  // namespace mbr::webhook
