#include "api/contact_write_routes.h"

#include "api/write_rig.h"

namespace mbr::api {

using members::ChangePayload;
using outbox::Verdict;
using Item = ChangePayload::Item;

class ContactWriteRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactWriteRoutesTest);
  CPPUNIT_TEST(aNewContactIsCreated);
  CPPUNIT_TEST(aKnownContactIsUpdated);
  CPPUNIT_TEST(aContactThatCouldNotBeMadeHasNoId);
  CPPUNIT_TEST(whoDoesNotWaitForANewContactGetsTheJob);
  CPPUNIT_TEST(membersAndFieldsAreSet);
  CPPUNIT_TEST(aTakenEmailIsAConflict);
  CPPUNIT_TEST(anUnknownFieldIsRefusedWithItsResult);
  CPPUNIT_TEST(hiddenFieldsAreRefusedByNameAndById);
  CPPUNIT_TEST(aContactThatIsNotKnownIsPulledFirst);
  CPPUNIT_TEST(anEmailIsNeededForANewContact);
  CPPUNIT_TEST(aChangeOfNothingIsRefused);
  CPPUNIT_TEST(valuesHaveBounds);
  CPPUNIT_TEST(bodiesOfAnotherShapeAreRefused);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST(otherMethodsAreRefused);
  CPPUNIT_TEST(aChangeThatCouldNotBeCommittedIsTold);
  CPPUNIT_TEST_SUITE_END();

  WriteRig rig;
  ContactWriteRoutes routes{rig.apiKeys, rig.lookup, rig.changes, [](std::string_view field) {
                              return field == "PASSWORD" || field == "password" || field == "3";
                            }};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Request post(const std::string& body, const std::string& prefer = "") const {
    return rig.write("POST", "", body, prefer);
  }
  http::Request patch(const std::string& body, const std::string& prefer = "",
                      const std::string& contact = "42") const {
    return rig.write("PATCH", "/" + contact, body, prefer);
  }
  static std::string object(const std::string& fields) {
    return R"({"email":"x@example.com","fields":)" + fields + "}";
  }

  void aNewContactIsCreated() {
    ChangePayload seen;
    rig.activeCampaign = [&](ChangePayload& change) {
      seen = change;
      change.contactId = 77;
      change.created = true;
      return WriteRig::takeAll(change);
    };
    rig.jobs.start();
    const auto response = rig.answer(post(R"({"email":" New@Example.com "})"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 201, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("/membergate/v1/contacts/77"),
                         test::headerOf(response, "Location"));
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact_id":"77","job":"1","state":"done","results":[{"kind":"field",)"
                    R"("id":null,"name":"email","action":"set","result":"applied","detail":""}]})"),
        response.body);
    CPPUNIT_ASSERT_EQUAL(ContactId{0}, seen.contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("new@example.com"), seen.email);
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void aKnownContactIsUpdated() {
    rig.activeCampaign = [](ChangePayload& change) {
      change.contactId = 42;
      for (Item& item : change.items) item.result = Item::Result::kAlready;
      return Verdict::done(members::renderResults(change));
    };
    rig.jobs.start();
    const auto response = rig.answer(post(R"({"email":"jane@example.com"})", "wait=3"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(response, "contact_id"));
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(response, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("wait=3"), test::headerOf(response, "Preference-Applied"));
  }

  void aContactThatCouldNotBeMadeHasNoId() {
    rig.activeCampaign = [](ChangePayload& change) {
      for (Item& item : change.items) item.result = Item::Result::kRefused;
      return Verdict::refused(members::renderResults(change), "no");
    };
    rig.jobs.start();
    const auto response = rig.answer(post(R"({"email":"x@example.com"})"));
    rig.assertProblem(422, "refused", response);
    CPPUNIT_ASSERT((*json::parse(response.body))["contact_id"].isNull());
  }

  void whoDoesNotWaitForANewContactGetsTheJob() {
    const auto response = rig.answer(post(R"({"email":"x@example.com"})", "wait=0"));
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact_id":null,"job":"1","state":"pending","results":[]})"),
        response.body);
    CPPUNIT_ASSERT_EQUAL(std::string("/membergate/v1/jobs/1"),
                         test::headerOf(response, "Location"));
  }

  void membersAndFieldsAreSet() {
    ChangePayload seen;
    rig.activeCampaign = [&](ChangePayload& change) {
      seen = change;
      return WriteRig::takeAll(change);
    };
    rig.jobs.start();
    const auto response = rig.answer(
        patch(R"({"first_name":"J\u00e4ne","last_name":"","phone":"+1","email":"J2@example.com",)"
              R"("fields":{"city":"a\tb\r\nc","12":"x","Notes":""}})"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, seen.contactId);
    CPPUNIT_ASSERT(seen.email.empty());
    std::string all;
    for (const Item& item : seen.items) {
      CPPUNIT_ASSERT(item.kind == Item::Kind::kField && item.action == Item::Action::kSet);
      all += std::to_string(item.id) + " " + item.name + "=" + item.value + "|";
    }
    CPPUNIT_ASSERT_EQUAL(std::string("0 email=j2@example.com|0 first_name=J\xC3\xA4ne|"
                                     "0 last_name=|0 phone=+1|0 CITY=a\tb\r\nc|12 =x|0 NOTES=|"),
                         all);
  }

  void aTakenEmailIsAConflict() {
    rig.activeCampaign = [](ChangePayload& change) {
      change.emailTaken = true;
      for (Item& item : change.items) item.result = Item::Result::kRefused;
      return Verdict::refused(members::renderResults(change), "no");
    };
    rig.jobs.start();
    const auto response = rig.answer(patch(R"({"email":"taken@example.com"})"));
    rig.assertProblem(409, "email_taken", response);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(response, "contact_id"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                         (*json::parse(response.body))["results"].asArray()->size());
  }

  void anUnknownFieldIsRefusedWithItsResult() {
    rig.activeCampaign = [](ChangePayload& change) {
      change.items[0].result = Item::Result::kUnknown;
      return Verdict::refused(members::renderResults(change), "no");
    };
    rig.jobs.start();
    const auto response = rig.answer(patch(R"({"fields":{"NONE":"x"}})"));
    rig.assertProblem(422, "refused", response);
    const auto parsed = json::parse(response.body);
    const json::Value& row = parsed->asObject()->find("results")->asArray()->front();
    CPPUNIT_ASSERT_EQUAL(std::string("field"), row["kind"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("NONE"), row["name"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("unknown"), row["result"].textOr(""));
  }

  void hiddenFieldsAreRefusedByNameAndById() {
    for (const char* field : {"PASSWORD", "password", "3"}) {
      const std::string fields = "{\"CITY\":\"x\",\"" + std::string(field) + "\":\"secret\"}";
      for (const auto& request : {post(object(fields)), patch("{\"fields\":" + fields + "}")}) {
        const auto response = rig.answer(request);
        rig.assertProblem(400, "invalid_request", response);
        CPPUNIT_ASSERT(ApiRig::member(response, "detail").find("/password") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string::npos, response.body.find("secret"));
      }
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }

  void aContactThatIsNotKnownIsPulledFirst() {
    rig.source.answer = [this](const contacts::Who&) {
      rig.saveContact(77, "new@example.com");
      return contacts::Pulled{77};
    };
    const auto response = rig.answer(patch(R"({"phone":"1"})", "wait=0", "new%40example.com"));
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("77"), ApiRig::member(response, "contact_id"));
    rig.source.answer = [](const contacts::Who&) { return contacts::Pulled{}; };
    rig.assertProblem(404, "not_found", rig.answer(patch(R"({"phone":"1"})", "", "43")));
    rig.assertProblem(400, "invalid_request", rig.answer(patch(R"({"phone":"1"})", "", "x")));
  }

  void anEmailIsNeededForANewContact() {
    for (const char* body :
         {"{}", R"({"first_name":"x"})", R"({"email":null})", R"({"email":""})", R"({"email":"x"})",
          R"({"email":"a b@example.com"})", R"({"email":"a@b@c"})", R"({"email":7})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(post(body)));
    }
    rig.assertProblem(
        400, "invalid_request",
        rig.answer(post(R"({"email":")" + std::string(300, 'x') + R"(@example.com"})")));
  }

  void aChangeOfNothingIsRefused() {
    for (const char* body : {"{}", R"({"phone":null})", R"({"fields":{}})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(patch(body)));
    }
    // Each of the members alone will do; an empty text empties.
    for (const char* body : {R"({"phone":""})", R"({"fields":{"CITY":""}})"}) {
      CPPUNIT_ASSERT_EQUAL(202, rig.answer(patch(body, "wait=0")).status);
    }
  }

  void valuesHaveBounds() {
    const auto fields = [](int count) {
      std::string out = "{";
      for (int i = 1; i <= count; ++i) {
        out += (i == 1 ? "\"F" : ",\"F") + std::to_string(i) + "\":\"x\"";
      }
      return out + "}";
    };
    const auto field = [](std::size_t bytes) {
      return "{\"F\":\"" + std::string(bytes, 'x') + "\"}";
    };
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(object(fields(100)), "wait=0")).status);
    rig.assertProblem(400, "invalid_request", rig.answer(post(object(fields(101)))));
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(object(field(32 * 1024)), "wait=0")).status);
    rig.assertProblem(400, "invalid_request", rig.answer(post(object(field(32 * 1024 + 1)))));
    rig.assertProblem(400, "invalid_request",
                      rig.answer(post(object("{\"" + std::string(257, 'F') + "\":\"x\"}"))));
    rig.assertProblem(400, "invalid_request",
                      rig.answer(patch(R"({"phone":")" + std::string(32 * 1024 + 1, '1') + "\"}")));
    for (const auto& request :
         {post(std::string(64 * 1024 + 1, ' ')), patch(std::string(64 * 1024 + 1, ' '))}) {
      rig.assertProblem(413, "too_large", rig.answer(request));
    }
  }

  void bodiesOfAnotherShapeAreRefused() {
    for (const char* fields : {"[]", "\"x\"", "7", R"({"A":1})", R"({"A":null})", R"({"A":["x"]})",
                               R"({"A":{}})", R"({"A":true})", R"({"":"x"})", R"({"  ":"x"})",
                               R"({"A":"a\u0000b"})", R"({"A":"a\u001bb"})", R"({"A":"a\u007fb"})",
                               R"({"A\n":"x"})", "{\"A\":\"\xC3\x28\"}", R"({"A":"\ud800"})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(post(object(fields))));
      rig.assertProblem(400, "invalid_request",
                        rig.answer(patch(R"({"fields":)" + std::string(fields) + "}")));
    }
    for (const char* body : {"[]", "{", R"({"phone":7})", R"({"first_name":"a\nb"})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(patch(body)));
    }
    rig.assertProblem(400, "unknown_field",
                      rig.answer(post(R"({"email":"x@example.com","name":"x"})")));
    rig.assertProblem(400, "unknown_field", rig.answer(patch(R"({"password":"x"})")));
    for (auto request : {post("email=x"), patch("phone=1")}) {
      request.contentType = "application/x-www-form-urlencoded";
      rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kContactsWrite, post(R"({"email":"x@example.com"})"));
    rig.assertNeedsScope(access::Scope::kContactsWrite, patch(R"({"phone":"1"})"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }

  void otherMethodsAreRefused() {
    auto request = post("{}");
    request.method = "GET";
    const auto response = rig.answer(request);
    rig.assertProblem(405, "method_not_allowed", response);
    CPPUNIT_ASSERT_EQUAL(std::string("POST"), test::headerOf(response, "Allow"));
  }

  void aChangeThatCouldNotBeCommittedIsTold() {
    rig.answer(post("{}"));        // the key is known from here on
    (void)rig.cache.findById(42);  // and so is the contact
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", rig.answer(post(R"({"email":"x@example.com"})")));
    rig.assertProblem(503, "unavailable", rig.answer(patch(R"({"phone":"1"})")));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContactWriteRoutesTest);

}  // namespace mbr::api
