#include "api/contact_routes.h"

#include "api/rig.h"

namespace mbr::api {

class ContactRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContactRoutesTest);
  CPPUNIT_TEST(aKnownContactIsAnsweredFromTheCache);
  CPPUNIT_TEST(anEmailIsDecodedOnceAndLookedUpNormalised);
  CPPUNIT_TEST(theCachedTextIsSentWithoutACopy);
  CPPUNIT_TEST(whoHoldsTheContactGets304);
  CPPUNIT_TEST(aChangeChangesTheEntityTag);
  CPPUNIT_TEST(headIsServed);
  CPPUNIT_TEST(anUnknownContactIsPulled);
  CPPUNIT_TEST(aContactIsMissingOnlyOnceActiveCampaignSaidSo);
  CPPUNIT_TEST(neverAsksNobody);
  CPPUNIT_TEST(liveAlwaysPulls);
  CPPUNIT_TEST(aPullThatFailedSaysNothingAboutTheContact);
  CPPUNIT_TEST(aDeletedContactIsNotFound);
  CPPUNIT_TEST(whoAsksForAnIdNeverGetsAnother);
  CPPUNIT_TEST(aPathThatNamesNobodyIsRefused);
  CPPUNIT_TEST(anUnknownRefreshIsRefused);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST(pastTheBoundOnWaitingRepliesAPullIsRefused);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  ContactLookup lookup{rig.cache, rig.source, rig.clock, {}};
  ContactRoutes routes{rig.apiKeys, lookup};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Response get(const std::string& contact) {
    return rig.answer(rig.request("GET", "/membergate/v1/contacts/" + contact));
  }
  http::Response getUnlessIs(const std::string& etag) {
    auto request = rig.request("GET", "/membergate/v1/contacts/42");
    request.headers["if-none-match"] = etag;
    return rig.answer(request);
  }

  // ActiveCampaign has a contact of this id.
  void tell(ContactId id, const std::string& email) {
    rig.source.answer = [this, id, email](const contacts::Who&) {
      rig.saveContact(id, email);
      return contacts::Pulled{id};
    };
  }

  void aKnownContactIsAnsweredFromTheCache() {
    rig.saveContact(42, "jane@example.com", [](Contact& contact) {
      contact.fields = {{"COLOUR", "blue"}};
      contact.tags = {7};
      contact.lists = {{3, 1}};
      contact.createdAt = contact.asOf;
    });
    const auto response = get("42");
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), response.contentType);
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(response, "id"));
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), ApiRig::member(response, "email"));
    CPPUNIT_ASSERT_EQUAL(std::string("blue"), ApiRig::member(response, "fields.COLOUR"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void anEmailIsDecodedOnceAndLookedUpNormalised() {
    rig.saveContact(42, "jane+a@example.com");
    for (const char* name : {"jane+a%40example.com", "Jane%2Ba@EXAMPLE.com"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(get(name), "id"));
    }
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
    CPPUNIT_ASSERT_EQUAL(400, get("jane%252Ba%2540example.com").status);
  }

  void theCachedTextIsSentWithoutACopy() {
    rig.saveContact(42, "jane@example.com");
    CPPUNIT_ASSERT(get("42").sharedBody.get() == get("jane%40example.com").sharedBody.get());
  }

  void whoHoldsTheContactGets304() {
    rig.saveContact(42, "jane@example.com");
    const std::string etag = test::headerOf(get("42"), "ETag");
    CPPUNIT_ASSERT(etag.size() > 2 && etag.front() == '"' && etag.back() == '"');
    for (const std::string& header : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
      const auto response = getUnlessIs(header);
      CPPUNIT_ASSERT_EQUAL(304, response.status);
      CPPUNIT_ASSERT(response.bodyView().empty());
      CPPUNIT_ASSERT_EQUAL(etag, test::headerOf(response, "ETag"));
    }
    CPPUNIT_ASSERT_EQUAL(200, getUnlessIs("\"other\"").status);
  }

  void aChangeChangesTheEntityTag() {
    rig.saveContact(42, "jane@example.com");
    const std::string etag = test::headerOf(get("42"), "ETag");
    rig.saveContact(42, "jane@example.com", [](Contact& contact) { contact.firstName = "Joan"; });
    CPPUNIT_ASSERT_EQUAL(200, getUnlessIs(etag).status);
  }

  void headIsServed() {
    rig.saveContact(42, "jane@example.com");
    CPPUNIT_ASSERT_EQUAL(200, rig.answer(rig.request("HEAD", "/membergate/v1/contacts/42")).status);
  }

  void anUnknownContactIsPulled() {
    tell(42, "jane@example.com");
    CPPUNIT_ASSERT_EQUAL(std::string("42"), ApiRig::member(get("jane%40example.com"), "id"));
    CPPUNIT_ASSERT_EQUAL(1, rig.source.pulls);
    CPPUNIT_ASSERT(!rig.source.lastWho.id);
    CPPUNIT_ASSERT_EQUAL(std::string("jane@example.com"), rig.source.lastWho.email->text());
    CPPUNIT_ASSERT(rig.source.lastDeadline == rig.clock.steady() + std::chrono::seconds{5});
    CPPUNIT_ASSERT_EQUAL(200, get("42").status);
    CPPUNIT_ASSERT_EQUAL(1, rig.source.pulls);
  }

  void aContactIsMissingOnlyOnceActiveCampaignSaidSo() {
    rig.assertProblem(404, "not_found", get("42"));
    CPPUNIT_ASSERT_EQUAL(1, rig.source.pulls);
  }

  void neverAsksNobody() {
    rig.assertProblem(404, "not_found", get("42?refresh=never"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void liveAlwaysPulls() {
    rig.saveContact(42, "old@example.com");
    tell(42, "new@example.com");
    CPPUNIT_ASSERT_EQUAL(std::string("new@example.com"),
                         ApiRig::member(get("42?refresh=live"), "email"));
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, rig.source.lastWho.id.value());
    CPPUNIT_ASSERT_EQUAL(std::string("old@example.com"), rig.source.lastWho.email->text());
  }

  void aPullThatFailedSaysNothingAboutTheContact() {
    for (const Code code : {Code::kBusy, Code::kUnavailable}) {
      rig.source.answer = [code](const contacts::Who&) { return Error{code, "no answer"}; };
      rig.assertProblem(503, "unavailable", get("42"));
      rig.assertProblem(503, "unavailable", get("42?refresh=live"));
    }
  }

  void aDeletedContactIsNotFound() {
    rig.saveContact(42, "jane@example.com",
                    [](Contact& contact) { contact.deletedAt = contact.asOf; });
    rig.assertProblem(404, "not_found", get("42"));
    rig.assertProblem(404, "not_found", get("42?refresh=never"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void whoAsksForAnIdNeverGetsAnother() {
    rig.saveContact(42, "jane@example.com");
    rig.source.answer = [this](const contacts::Who&) {
      rig.saveContact(42, "jane@example.com",
                      [](Contact& contact) { contact.deletedAt = contact.asOf; });
      rig.saveContact(57, "jane@example.com");
      return contacts::Pulled{57};
    };
    rig.assertProblem(404, "not_found", get("42?refresh=live"));
    CPPUNIT_ASSERT_EQUAL(std::string("57"), ApiRig::member(get("jane%40example.com"), "id"));
  }

  void aPathThatNamesNobodyIsRefused() {
    for (const char* name : {"0", "-1", "jane", "007", "@", "a@b@c", "42x"}) {
      rig.assertProblem(400, "invalid_request", get(name));
    }
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void anUnknownRefreshIsRefused() {
    rig.saveContact(42, "jane@example.com");
    rig.assertProblem(400, "invalid_request", get("42?refresh=sometimes"));
    rig.assertProblem(400, "invalid_request", get("42?refresh=%ZZ"));
    CPPUNIT_ASSERT_EQUAL(200, get("42?refresh=auto&other=1").status);
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kContactsRead,
                         rig.request("GET", "/membergate/v1/contacts/42"));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void pastTheBoundOnWaitingRepliesAPullIsRefused() {
    const auto recorded = test::RecordedReply::make();
    recorded->refuseWaiting();
    rig.assertProblem(503, "busy",
                      rig.answer(rig.request("GET", "/membergate/v1/contacts/42"), *recorded));
    CPPUNIT_ASSERT_EQUAL(0, rig.source.pulls);
  }

  void aStoreThatIsDownIsTold() {
    get("1?refresh=never");  // the keys are known from here on
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", get("42"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContactRoutesTest);

}  // namespace mbr::api
