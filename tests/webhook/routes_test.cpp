#include "webhook/routes.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <memory>
#include <string>

#include "access/rig.h"
#include "base/json.h"
#include "contacts/directories.h"
#include "members/job_payload.h"
#include "passwords/sealer.h"
#include "support/recorded_reply.h"

namespace mbr::webhook {
namespace {

using test::RecordedReply;

constexpr const char* kBody =
    "contact%5Bid%5D=42&contact%5Bemail%5D=jane%40example.com&contact%5Bfirst_name%5D=Jane"
    "&contact%5Bfields%5D%5Bcolour%5D=blue&contact%5Bfields%5D%5Bpassword%5D=in-the-field"
    "&seriesid=7";
constexpr const char* kForm = "application/x-www-form-urlencoded; charset=UTF-8";

HiddenField hiddenFields() {
  return [](std::string_view key) { return key == "password"; };
}

}  // namespace

class WebhookRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WebhookRoutesTest);
  CPPUNIT_TEST(aCallIsAnsweredOnceItsDataAndItsJobAreStored);
  CPPUNIT_TEST(theHiddenFieldIsNeverStored);
  CPPUNIT_TEST(theSameCallAgainIsADuplicate);
  CPPUNIT_TEST(anotherQueryIsNoDuplicateButItsPasswordIsPending);
  CPPUNIT_TEST(theCodeIsNoPartOfTheDigest);
  CPPUNIT_TEST(theDefaultPasswordIsInNoPayload);
  CPPUNIT_TEST(anEventChangesTheContactAndAsksForNothing);
  CPPUNIT_TEST(anEventOfAnotherThingIsIgnored);
  CPPUNIT_TEST(anEventOfADealNamesItsContact);
  CPPUNIT_TEST(otherMethodsAreRefusedWithAllow);
  CPPUNIT_TEST(aWrongCodeIsRefusedBeforeTheBodyIsLookedAt);
  CPPUNIT_TEST(aCodeOpensItsOwnRouteOnly);
  CPPUNIT_TEST(anotherContentTypeIsRefused);
  CPPUNIT_TEST(aBodyThatIsTooLargeIsRefused);
  CPPUNIT_TEST(aBodyThatBrokeOffIsRefused);
  CPPUNIT_TEST(aBodyThatCannotBeUnderstoodIsRefused);
  CPPUNIT_TEST(aQueryThatCannotBeUnderstoodIsRefused);
  CPPUNIT_TEST(aBodyWithoutAContactIsRefused);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(onlyACallThatWasNotKeptIsLost);
  CPPUNIT_TEST(aCallThatIsNotKeptIsAnsweredThoughNobodyAsksForTheLost);
  CPPUNIT_TEST(nothingOfOneCallGetsIntoTheNext);
  CPPUNIT_TEST(callsAreCounted);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  test::SeededRandom random;
  const passwords::KeyRing keys = test::keyRing();
  test::TestStore database{clock};
  access::SwitchedStore store{database.store()};
  contacts::Directories directories{store};
  passwords::Sealer sealer{keys, random};
  access::Codes codes{store, keys, random, clock};
  members::DeliveryApplier applier{store, directories, sealer, clock, {}, [] {}};
  std::atomic<int> lost{0};
  members::MemberClearer clearer{store};
  WebhookRoutes routes{
      {256 * 1024, hiddenFields, Secret("a key of 16 bytes or more"), [this] { ++lost; }},
      codes,
      applier,
      clearer,
      clock};
  http::Router router;
  std::string genpass;
  std::string events;

 public:
  void setUp() override {
    genpass = codes.create("site", {access::Purpose::kGenpass})->reveal();
    events = codes.create("hook", {access::Purpose::kEvents})->reveal();
    routes.registerOn(router);
  }

 private:
  http::Request genpassCall(const std::string& body = kBody, const std::string& query = "") const {
    return call("/", "mbr_genpass=" + genpass + query, body);
  }
  http::Request eventCall(const std::string& body) const {
    return call("/membergate/hooks/events", "code=" + events, body);
  }
  static http::Request call(const std::string& path, const std::string& query,
                            const std::string& body) {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.query = query;
    request.contentType = kForm;
    request.requestId = "req-1";
    request.body = body;
    return request;
  }

  http::Response answer(const http::Request& request) {
    const auto recorded = RecordedReply::make();
    router.handle(request, recorded->reply());
    auto response = recorded->wait();
    CPPUNIT_ASSERT_EQUAL(0, recorded->extraAnswers());
    return response;
  }

  void assertRefused(int status, const std::string& code, const http::Request& request) {
    const auto response = answer(request);
    CPPUNIT_ASSERT_EQUAL(status, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), response.contentType);
    const auto body = json::parse(response.body);
    CPPUNIT_ASSERT_EQUAL(code, (*body)["code"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("req-1"), (*body)["request_id"].textOr(""));
  }

  std::optional<Contact> contact(ContactId id) {
    std::optional<Contact> found;
    CPPUNIT_ASSERT(store.read([&](store::Reader& reader) -> Outcome {
      found = reader.findContact(id);
      return Done{};
    }));
    return found;
  }

  std::vector<Job> jobs(std::string_view kind) {
    std::vector<Job> found;
    CPPUNIT_ASSERT(store.read([&](store::Reader& reader) -> Outcome {
      for (const JobState state : {JobState::kQueued, JobState::kWaiting}) {
        for (Job& job : reader.listJobs(state, 100)) {
          if (job.kind == kind) found.push_back(std::move(job));
        }
      }
      return Done{};
    }));
    return found;
  }

  void aCallIsAnsweredOnceItsDataAndItsJobAreStored() {
    const auto response = answer(genpassCall(kBody, "&tid=1,2&automation=3"));
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"accepted","contact":"42","password":"queued"})"),
                         response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("Jane"), contact(42)->firstName);
    CPPUNIT_ASSERT(!contact(42)->confirmed);
    const auto queued = jobs("password");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, queued.size());
    const auto payload = members::readPasswordPayload(queued[0].payload);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, payload->steps.size());
    CPPUNIT_ASSERT(payload->autoregister);
  }

  void theHiddenFieldIsNeverStored() {
    answer(genpassCall());
    const FieldValues fields{{"COLOUR", "blue"}};
    CPPUNIT_ASSERT(contact(42)->fields == fields);
  }

  void theSameCallAgainIsADuplicate() {
    answer(genpassCall());
    clock.advance(std::chrono::seconds{59});
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"status":"duplicate","contact":"42","password":"pending"})"),
        answer(genpassCall()).body);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs("password").size());
  }

  void anotherQueryIsNoDuplicateButItsPasswordIsPending() {
    answer(genpassCall());
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"status":"accepted","contact":"42","password":"pending"})"),
        answer(genpassCall(kBody, "&tid=5")).body);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs("password").size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs("follow_up").size());
  }

  void theCodeIsNoPartOfTheDigest() {
    const auto other = codes.create("other", {access::Purpose::kGenpass});
    answer(genpassCall(kBody, "&tid=5"));
    const auto again = answer(call("/", "tid=5&mbr_genpass=" + other->reveal(), kBody));
    CPPUNIT_ASSERT(again.body.find("duplicate") != std::string::npos);
  }

  void theDefaultPasswordIsInNoPayload() {
    answer(genpassCall(kBody, "&default_pass=Summer%20School&autoregister=n"));
    const auto queued = jobs("password");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, queued.size());
    CPPUNIT_ASSERT(queued[0].payload.find("Summer") == std::string::npos);
    CPPUNIT_ASSERT(queued[0].sealed.find("Summer") == std::string::npos);
    const auto payload = members::readPasswordPayload(queued[0].payload);
    CPPUNIT_ASSERT(payload->hasDefault && !payload->autoregister);
    CPPUNIT_ASSERT_EQUAL(std::string("Summer School"), sealer.open(queued[0].sealed, 0)->reveal());
  }

  void anEventChangesTheContactAndAsksForNothing() {
    const auto response =
        answer(eventCall("type=subscribe&date_time=2023-11-14T16:00:00-06:00&list=3&contact[id]=211"
                         "&contact[email]=sam@example.org&contact[last_name]=Hill"));
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"accepted","contact":"211","password":"none"})"),
                         response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("Hill"), contact(211)->lastName);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, contact(211)->lists.size());
    CPPUNIT_ASSERT(jobs("password").empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs("refresh").size());
  }

  void anEventOfAnotherThingIsIgnored() {
    const auto response = answer(eventCall("type=account_update&account[id]=5"));
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"ignored","contact":null,"password":"none"})"),
                         response.body);
  }

  void anEventOfADealNamesItsContact() {
    const auto response =
        answer(eventCall("type=deal_update&deal[title]=Yearly&contact[id]=211"
                         "&contact[email]=sam@example.org&tag=x&list=3"));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"accepted","contact":"211","password":"none"})"),
                         response.body);
    CPPUNIT_ASSERT(contact(211)->lists.empty());
  }

  void otherMethodsAreRefusedWithAllow() {
    auto request = genpassCall();
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
      request.method = method;
      assertRefused(405, "method_not_allowed", request);
      CPPUNIT_ASSERT_EQUAL(std::string("POST"), test::headerOf(answer(request), "Allow"));
    }
    request = eventCall("");
    request.method = "GET";
    assertRefused(405, "method_not_allowed", request);
  }

  void aWrongCodeIsRefusedBeforeTheBodyIsLookedAt() {
    for (const std::string& query :
         {std::string("mbr_genpass="), std::string("mbr_genpass=wrong"),
          "mbr_genpass=" + genpass + "x", "mbr_genpass=" + genpass + "&mbr_genpass=" + genpass,
          "mbr_genpass=" + genpass + "&mbr%5fgenpass=x"}) {
      auto request = call("/", query, "%ZZ");
      request.contentType = "text/plain";
      request.bodyState = http::Request::BodyState::kTooLarge;
      assertRefused(403, "code", request);
    }
    assertRefused(403, "code", call("/membergate/hooks/events", "", ""));
  }

  void aCodeOpensItsOwnRouteOnly() {
    assertRefused(403, "code", call("/", "mbr_genpass=" + events, kBody));
    assertRefused(403, "code", call("/membergate/hooks/events", "code=" + genpass, kBody));
    const auto revoked = codes.create("old", {access::Purpose::kGenpass});
    CPPUNIT_ASSERT(codes.revoke("old"));
    assertRefused(403, "code", call("/", "mbr_genpass=" + revoked->reveal(), kBody));
  }

  void anotherContentTypeIsRefused() {
    for (const char* type : {"", "application/json", "multipart/form-data; boundary=x"}) {
      auto request = genpassCall();
      request.contentType = type;
      request.bodyState = http::Request::BodyState::kTooLarge;  // comes after the type
      assertRefused(415, "unsupported_media_type", request);
    }
  }

  void aBodyThatIsTooLargeIsRefused() {
    auto request = genpassCall();
    request.bodyState = http::Request::BodyState::kTooLarge;
    assertRefused(413, "too_large", request);
    assertRefused(413, "too_large", genpassCall(std::string(256 * 1024 + 1, 'x')));
  }

  void aBodyThatBrokeOffIsRefused() {
    auto request = genpassCall();
    request.bodyState = http::Request::BodyState::kIncomplete;
    assertRefused(400, "invalid_request", request);
  }

  void aBodyThatCannotBeUnderstoodIsRefused() {
    std::string keysGalore;
    for (int i = 0; i < 100000; ++i) keysGalore += "a&";
    for (const std::string& body :
         {keysGalore, std::string("contact[id]=4%2"), std::string("contact[id]=42&x=a%00b"),
          std::string("contact[id]=42&contact[first_name]=%C3%28"),
          std::string("contact[id]=42&contact[first_name]=\xff"),
          "contact[id]=42&" + std::string(100, '[') + "=1", std::string("contact[id]=-1"),
          std::string("contact[email]=nobody"), std::string("contact[id]=42&type=a%0Ab")}) {
      assertRefused(400, "invalid_request", genpassCall(body));
    }
    CPPUNIT_ASSERT(!contact(42));
  }

  void aQueryThatCannotBeUnderstoodIsRefused() {
    for (const char* query : {"&tid=Gold", "&automation=-1", "&default_pass=", "&x=%ZZ"}) {
      assertRefused(400, "invalid_request", genpassCall(kBody, query));
    }
    // The event route's URL asks for nothing.
    auto request = eventCall("type=update&contact[id]=211");
    request.query += "&tid=Gold";
    CPPUNIT_ASSERT_EQUAL(200, answer(request).status);
  }

  void aBodyWithoutAContactIsRefused() {
    assertRefused(400, "contact_missing", genpassCall(""));
    assertRefused(400, "contact_missing", genpassCall("seriesid=7&contact[email]="));
    assertRefused(400, "contact_missing", eventCall("type=update&list=0"));
  }

  void aStoreThatIsDownIsTold() {
    CPPUNIT_ASSERT_EQUAL(200, answer(genpassCall()).status);  // the codes are known from here on
    store.down = true;
    assertRefused(503, "unavailable", genpassCall());
    CPPUNIT_ASSERT(!test::headerOf(answer(genpassCall()), "Retry-After").empty());
  }

  void onlyACallThatWasNotKeptIsLost() {
    answer(genpassCall());
    answer(genpassCall());                                      // a duplicate
    answer(eventCall("type=deal_add"));                         // ignored
    answer(call("/", "mbr_genpass=wrong", kBody));              // 403
    answer(genpassCall(""));                                    // 400
    answer(genpassCall(kBody, "&tid=Gold"));                    // 400
    answer(genpassCall(kBody + std::string(256 * 1024, 'x')));  // 413
    auto request = genpassCall();
    request.method = "GET";
    answer(request);  // 405
    request = genpassCall();
    request.contentType = "application/json";
    answer(request);  // 415
    CPPUNIT_ASSERT_EQUAL(0, lost.load());
    answer(eventCall("type=update&contact[id]=42"));  // the code is known from here on
    store.down = true;
    CPPUNIT_ASSERT_EQUAL(503, answer(genpassCall()).status);
    CPPUNIT_ASSERT_EQUAL(1, lost.load());
    CPPUNIT_ASSERT_EQUAL(503, answer(eventCall("type=update&contact[id]=42")).status);
    CPPUNIT_ASSERT_EQUAL(2, lost.load());
    answer(genpassCall(""));
    CPPUNIT_ASSERT_EQUAL(2, lost.load());
    store.down = false;
    CPPUNIT_ASSERT_EQUAL(200, answer(genpassCall()).status);
    CPPUNIT_ASSERT_EQUAL(2, lost.load());
  }

  void aCallThatIsNotKeptIsAnsweredThoughNobodyAsksForTheLost() {
    WebhookRoutes deaf({256 * 1024, hiddenFields, Secret("a key of 16 bytes or more")}, codes,
                       applier, clearer, clock);
    http::Router other;
    deaf.registerOn(other);
    answer(genpassCall());
    store.down = true;
    const auto recorded = RecordedReply::make();
    other.handle(genpassCall(), recorded->reply());
    CPPUNIT_ASSERT_EQUAL(503, recorded->wait().status);
  }

  void nothingOfOneCallGetsIntoTheNext() {
    answer(genpassCall());
    answer(genpassCall("contact[id]=43&seriesid=7"));
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), contact(42)->email->text());
    CPPUNIT_ASSERT(!contact(43) || !contact(43)->email);
  }

  void callsAreCounted() {
    const auto taken = [](const char* route, const char* status) {
      return ops::counter("membergate_deliveries_total", "", {{"route", route}, {"status", status}})
          .value();
    };
    const auto refused = [](const char* route, const char* code) {
      return ops::counter("membergate_deliveries_refused_total", "",
                          {{"route", route}, {"code", code}})
          .value();
    };
    const double accepted = taken("mbr_genpass", "accepted");
    const double duplicate = taken("mbr_genpass", "duplicate");
    const double ignored = taken("events", "ignored");
    const double code = refused("mbr_genpass", "code");
    answer(genpassCall());
    answer(genpassCall());
    answer(eventCall("type=deal_add"));
    answer(call("/", "mbr_genpass=wrong", kBody));
    CPPUNIT_ASSERT_EQUAL(accepted + 1, taken("mbr_genpass", "accepted"));
    CPPUNIT_ASSERT_EQUAL(duplicate + 1, taken("mbr_genpass", "duplicate"));
    CPPUNIT_ASSERT_EQUAL(ignored + 1, taken("events", "ignored"));
    CPPUNIT_ASSERT_EQUAL(code + 1, refused("mbr_genpass", "code"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WebhookRoutesTest);

}  // namespace mbr::webhook
