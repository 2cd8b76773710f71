#include "api/contact_write_routes.h"
#include "api/membership_routes.h"
#include "api/write_rig.h"

namespace mbr::api {

using members::ChangePayload;
using outbox::Verdict;
using Item = ChangePayload::Item;

class IdempotencyTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(IdempotencyTest);
  CPPUNIT_TEST(theSameRequestIsCarriedOutOnceOnEveryRoute);
  CPPUNIT_TEST(whatIsStillBeingCarriedOutIsToldSo);
  CPPUNIT_TEST(anotherRequestUnderTheKeyIsRefused);
  CPPUNIT_TEST(anotherCallersKeyIsAnother);
  CPPUNIT_TEST(aRefusalIsRepeatedToo);
  CPPUNIT_TEST(theKeyCountsForADay);
  CPPUNIT_TEST(malformedKeysAreRefused);
  CPPUNIT_TEST(whatWasNotCommittedIsNotRemembered);
  CPPUNIT_TEST(aStoreThatIsDownIsNoAnswer);
  CPPUNIT_TEST_SUITE_END();

  WriteRig rig;
  ContactWriteRoutes contactRoutes{rig.apiKeys, rig.lookup, rig.changes,
                                   [](std::string_view) { return false; }};
  MembershipRoutes membershipRoutes{rig.apiKeys, rig.lookup, rig.changes};

 public:
  void setUp() override {
    contactRoutes.registerOn(rig.router);
    membershipRoutes.registerOn(rig.router);
  }

 private:
  static http::Request with(http::Request request, const std::string& key = "my-key") {
    request.headers["idempotency-key"] = key;
    return request;
  }
  http::Request patch(const std::string& body = R"({"phone":"1"})",
                      const std::string& prefer = "") const {
    return rig.write("PATCH", "/42", body, prefer);
  }
  std::vector<http::Request> oneOfEach(const std::string& prefer = "") const {
    return {rig.write("POST", "", R"({"email":"x@example.com"})", prefer),
            patch(R"({"phone":"1"})", prefer),
            rig.write("POST", "/42/tags", R"({"add":["Gold"]})", prefer),
            rig.write("POST", "/42/automations", R"({"add":[5]})", prefer),
            rig.write("POST", "/42/lists", R"({"add":[9]})", prefer)};
  }

  void theSameRequestIsCarriedOutOnceOnEveryRoute() {
    int carriedOut = 0;
    rig.activeCampaign = [&](ChangePayload& change) {
      ++carriedOut;
      if (change.contactId == 0) change.created = true;
      if (change.contactId == 0) change.contactId = 77;
      return WriteRig::takeAll(change);
    };
    rig.jobs.start();
    int number = 0;
    for (const auto& each : oneOfEach()) {
      const auto request = with(each, "key-" + std::to_string(++number));
      const auto first = rig.answer(request);
      const auto second = rig.answer(request);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(first.body, number == 1 ? 201 : 200, first.status);
      CPPUNIT_ASSERT_EQUAL(first.status, second.status);
      CPPUNIT_ASSERT_EQUAL(first.body, second.body);
      CPPUNIT_ASSERT_EQUAL(test::headerOf(first, "Location"), test::headerOf(second, "Location"));
      CPPUNIT_ASSERT_EQUAL(number, carriedOut);
    }
    // Without a key each is a request of its own.
    rig.answer(patch());
    rig.answer(patch());
    CPPUNIT_ASSERT_EQUAL(number + 2, carriedOut);
  }

  void whatIsStillBeingCarriedOutIsToldSo() {
    int number = 0;
    for (const auto& each : oneOfEach("wait=0")) {
      const auto request = with(each, "key-" + std::to_string(++number));
      CPPUNIT_ASSERT_EQUAL(202, rig.answer(request).status);
      const auto response = rig.answer(request);
      rig.assertProblem(409, "idempotency_in_progress", response);
      CPPUNIT_ASSERT_EQUAL(std::string("1"), test::headerOf(response, "Retry-After"));
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{number}, rig.countJobs());
  }

  void anotherRequestUnderTheKeyIsRefused() {
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(with(patch(R"({"phone":"1"})", "wait=0"))).status);
    std::vector<http::Request> others = oneOfEach("wait=0");
    others.erase(others.begin() + 1);
    others.push_back(patch(R"({"phone": "1"})"));                      // another body
    others.push_back(rig.write("PATCH", "/042", R"({"phone":"1"})"));  // another path
    for (const auto& other : others) {
      rig.assertProblem(422, "idempotency_mismatch", rig.answer(with(other)));
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, rig.countJobs());
  }

  void anotherCallersKeyIsAnother() {
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(with(patch(R"({"phone":"1"})", "wait=0"))).status);
    auto request = with(patch(R"({"phone":"1"})", "wait=0"));
    request.authorization = "Bearer " + rig.keyWith({access::Scope::kContactsWrite}).reveal();
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(request).status);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, rig.countJobs());
  }

  void aRefusalIsRepeatedToo() {
    int carriedOut = 0;
    rig.activeCampaign = [&](ChangePayload& change) {
      ++carriedOut;
      change.emailTaken = true;
      change.items[0].result = Item::Result::kRefused;
      return Verdict::refused(members::renderResults(change), "no");
    };
    rig.jobs.start();
    const auto request = with(patch(R"({"email":"b@example.com"})"));
    for (int i = 0; i < 2; ++i) rig.assertProblem(409, "email_taken", rig.answer(request));
    CPPUNIT_ASSERT_EQUAL(1, carriedOut);
  }

  void theKeyCountsForADay() {
    const auto request = with(patch(R"({"phone":"1"})", "wait=0"));
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(request).status);
    rig.clock.advance(std::chrono::hours{24} - Milliseconds{1});
    rig.assertProblem(409, "idempotency_in_progress", rig.answer(request));
    rig.clock.advance(Milliseconds{1});
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(request).status);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, rig.countJobs());
  }

  void malformedKeysAreRefused() {
    for (const std::string& key :
         {std::string(), std::string("a b"), std::string("a\tb"), std::string("\xC3\xA9"),
          std::string(129, 'x'), std::string("a\x7f"), std::string("a\0b", 3)}) {
      rig.assertProblem(400, "invalid_request", rig.answer(with(patch(), key)));
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
    for (const std::string& key : {std::string("!"), std::string(128, '~')}) {
      CPPUNIT_ASSERT_EQUAL(202, rig.answer(with(patch(R"({"phone":"1"})", "wait=0"), key)).status);
    }
  }

  void whatWasNotCommittedIsNotRemembered() {
    rig.assertProblem(400, "invalid_request", rig.answer(with(patch("{}"))));
    auto request = with(rig.write("PATCH", "/43", R"({"phone":"1"})", "wait=0"));
    rig.assertProblem(404, "not_found", rig.answer(request));
    rig.saveContact(43, "later@example.com");
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(request).status);
  }

  void aStoreThatIsDownIsNoAnswer() {
    rig.answer(patch("{}"));  // the key is known from here on
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", rig.answer(with(patch())));
    rig.store.down = false;
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(with(patch(R"({"phone":"1"})", "wait=0"))).status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(IdempotencyTest);

}  // namespace mbr::api
