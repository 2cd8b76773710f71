#include "api/membership_routes.h"

#include <tuple>

#include "api/write_rig.h"

namespace mbr::api {

using members::ChangePayload;
using outbox::Verdict;
using ItemResult = ChangePayload::Item::Result;

class MembershipRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MembershipRoutesTest);
  CPPUNIT_TEST(aChangeThatActiveCampaignTookIsDone);
  CPPUNIT_TEST(removalsComeFirstAndIntegersAreIds);
  CPPUNIT_TEST(whatActiveCampaignRefusedIsToldPerTag);
  CPPUNIT_TEST(aJobThatWasGivenUpIsNoSuccess);
  CPPUNIT_TEST(whoDoesNotWaitGetsTheJob);
  CPPUNIT_TEST(whoseWaitEndsGetsTheJob);
  CPPUNIT_TEST(whoAsksForLongGetsEightSeconds);
  CPPUNIT_TEST(pastTheBoundOnWaitingRepliesTheJobIsAnsweredAtOnce);
  CPPUNIT_TEST(anUnknownContactIsPulledFirst);
  CPPUNIT_TEST(aContactThatActiveCampaignDoesNotHaveIsNotFound);
  CPPUNIT_TEST(aChangeThatCouldNotBeCommittedIsTold);
  CPPUNIT_TEST(aBodyThatAsksForNothingIsRefused);
  CPPUNIT_TEST(aBodyThatAsksForTooMuchIsRefused);
  CPPUNIT_TEST(aBodyOfAnotherShapeIsRefused);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST(automationsAndListsAreChangedAlike);
  CPPUNIT_TEST(automationsAndListsRefuseAlike);
  CPPUNIT_TEST_SUITE_END();

  WriteRig rig;
  MembershipRoutes routes{rig.apiKeys, rig.lookup, rig.changes};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Request post(const std::string& body, const std::string& prefer = "wait=8",
                     const std::string& contact = "42", const std::string& kind = "tags") const {
    return rig.write("POST", "/" + contact + "/" + kind, body, prefer);
  }

  void aChangeThatActiveCampaignTookIsDone() {
    rig.jobs.start();
    const auto response = rig.answer(post(R"({"add":["Gold"]})", ""));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact_id":"42","job":"1","state":"done","results":[{"kind":"tag",)"
                    R"("id":null,"name":"Gold","action":"add","result":"applied","detail":""}]})"),
        response.body);
    CPPUNIT_ASSERT_EQUAL(std::string(), test::headerOf(response, "Preference-Applied"));
  }

  void removalsComeFirstAndIntegersAreIds() {
    ChangePayload seen;
    rig.activeCampaign = [&](ChangePayload& change) {
      seen = change;
      for (auto& item : change.items) item.result = ItemResult::kAlready;
      return Verdict::done(members::renderResults(change));
    };
    rig.jobs.start();
    const auto response = rig.answer(
        post(R"({"add":["Gold, big",12,"13"],"remove":[7],"create_missing":true})", "wait=5"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("wait=5"), test::headerOf(response, "Preference-Applied"));
    using Action = ChangePayload::Item::Action;
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, seen.contactId);
    CPPUNIT_ASSERT(seen.createMissing);
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, seen.items.size());
    CPPUNIT_ASSERT(seen.items[0].action == Action::kRemove && seen.items[0].id == 7);
    CPPUNIT_ASSERT(seen.items[1].action == Action::kAdd && seen.items[1].id == 0);
    CPPUNIT_ASSERT_EQUAL(std::string("Gold, big"), seen.items[1].name);
    CPPUNIT_ASSERT(seen.items[2].id == 12 && seen.items[3].id == 13);
  }

  void whatActiveCampaignRefusedIsToldPerTag() {
    rig.activeCampaign = [](ChangePayload& change) {
      change.items[0].result = ItemResult::kApplied;
      change.items[1].result = ItemResult::kUnknown;
      change.items[1].detail = "no tag has this name";
      return Verdict::refused(members::renderResults(change), "not all of it");
    };
    rig.jobs.start();
    const auto response = rig.answer(post(R"({"add":["Gold","Glod"]})"));
    rig.assertProblem(422, "refused", response);
    const auto body = json::parse(response.body);
    const auto& results = *(*body)["results"].asArray();
    CPPUNIT_ASSERT_EQUAL(std::string("applied"), results[0]["result"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("unknown"), results[1]["result"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("no tag has this name"), results[1]["detail"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), (*body)["job"].textOr(""));
  }

  void aJobThatWasGivenUpIsNoSuccess() {
    rig.activeCampaign = [](ChangePayload&) { return Verdict::dead("cannot be read"); };
    rig.jobs.start();
    rig.assertProblem(503, "unavailable", rig.answer(post(R"({"add":["Gold"]})")));
  }

  void whoDoesNotWaitGetsTheJob() {
    const auto recorded = test::RecordedReply::make();
    const auto response = rig.answer(post(R"({"add":["Gold"]})", "wait=0"), *recorded);
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("/membergate/v1/jobs/1"),
                         test::headerOf(response, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("wait=0"), test::headerOf(response, "Preference-Applied"));
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"contact_id":"42","job":"1","state":"pending","results":[]})"),
        response.body);
    CPPUNIT_ASSERT(!recorded->fallback());
  }

  void whoseWaitEndsGetsTheJob() {
    auto request = post(R"({"add":["Gold"]})", "");
    request.arrived -= std::chrono::milliseconds{1900};  // of the default of 2 s
    const auto response = rig.answer(request);
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, rig.countJobs());
  }

  void whoAsksForLongGetsEightSeconds() {
    rig.jobs.start();
    const auto recorded = test::RecordedReply::make();
    const auto request = post(R"({"add":["Gold"]})", "wait=3600");
    const auto response = rig.answer(request, *recorded);
    CPPUNIT_ASSERT_EQUAL(std::string("wait=8"), test::headerOf(response, "Preference-Applied"));
    CPPUNIT_ASSERT(recorded->fallback()->when == request.arrived + std::chrono::seconds{9});
    CPPUNIT_ASSERT_EQUAL(202, recorded->fallback()->response.status);
  }

  void pastTheBoundOnWaitingRepliesTheJobIsAnsweredAtOnce() {
    const auto recorded = test::RecordedReply::make();
    recorded->refuseWaiting();
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(R"({"add":["Gold"]})"), *recorded).status);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, rig.countJobs());
  }

  void anUnknownContactIsPulledFirst() {
    rig.source.answer = [this](const contacts::Who&) {
      rig.saveContact(77, "new@example.com");
      return contacts::Pulled{77};
    };
    const auto response = rig.answer(post(R"({"add":["Gold"]})", "wait=0", "new%40example.com"));
    CPPUNIT_ASSERT_EQUAL(202, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("77"), ApiRig::member(response, "contact_id"));
  }

  void aContactThatActiveCampaignDoesNotHaveIsNotFound() {
    rig.assertProblem(404, "not_found", rig.answer(post(R"({"add":["Gold"]})", "", "43")));
    rig.source.answer = [](const contacts::Who&) { return Error{Code::kBusy, "no time"}; };
    rig.assertProblem(503, "unavailable", rig.answer(post(R"({"add":["Gold"]})", "", "43")));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }

  void aChangeThatCouldNotBeCommittedIsTold() {
    rig.answer(post("{}"));        // the key is known from here on
    (void)rig.cache.findById(42);  // and so is the contact
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", rig.answer(post(R"({"add":["Gold"]})")));
  }

  void aBodyThatAsksForNothingIsRefused() {
    for (const char* body :
         {"{}", R"({"add":[]})", R"({"add":null,"remove":[]})", R"({"create_missing":true})",
          R"({"add":[""]})", R"({"add":["  "]})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(post(body)));
    }
  }

  void aBodyThatAsksForTooMuchIsRefused() {
    const auto tags = [](int count) {
      std::string list;
      for (int i = 1; i <= count; ++i) list += (i == 1 ? "" : ",") + std::to_string(i);
      return list;
    };
    rig.assertProblem(400, "invalid_request", rig.answer(post(R"({"add":[)" + tags(51) + "]}")));
    rig.assertProblem(
        400, "invalid_request",
        rig.answer(post(R"({"add":[)" + tags(30) + R"(],"remove":[)" + tags(21) + "]}")));
    CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(R"({"add":[)" + tags(50) + "]}", "wait=0")).status);
    rig.assertProblem(400, "invalid_request",
                      rig.answer(post(R"({"add":[")" + std::string(257, 'x') + "\"]}")));
    rig.assertProblem(413, "too_large", rig.answer(post(std::string(64 * 1024 + 1, ' '))));
  }

  void aBodyOfAnotherShapeIsRefused() {
    for (const char* body :
         {"[]", "{", R"({"add":"Gold"})", R"({"add":[true]})", R"({"add":[1.5]})",
          R"({"add":["a\u0000b"]})", R"({"add":["Gold"],"create_missing":1})"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(post(body)));
    }
    rig.assertProblem(400, "unknown_field", rig.answer(post(R"({"add":["Gold"],"tags":[]})")));
    auto request = post("add=Gold");
    request.contentType = "application/x-www-form-urlencoded";
    rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
    rig.assertProblem(400, "invalid_request", rig.answer(post(R"({"add":["Gold"]})", "", "x")));
    request.method = "GET";
    rig.assertProblem(405, "method_not_allowed", rig.answer(request));
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kContactsWrite, post(R"({"add":["Gold"]})"));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }

  void automationsAndListsAreChangedAlike() {
    rig.jobs.start();
    using Kind = ChangePayload::Item::Kind;
    for (const auto& [path, kind, word] :
         {std::tuple{"automations", Kind::kAutomation, "automation"},
          std::tuple{"lists", Kind::kList, "list"}}) {
      ChangePayload seen;
      rig.activeCampaign = [&](ChangePayload& change) {
        seen = change;
        return WriteRig::takeAll(change);
      };
      const auto request = post(R"({"add":["Welcome",5],"remove":["7"]})", "", "42", path);
      const auto response = rig.answer(request);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
      using Action = ChangePayload::Item::Action;
      CPPUNIT_ASSERT_EQUAL(std::size_t{3}, seen.items.size());
      CPPUNIT_ASSERT(seen.items[0].action == Action::kRemove && seen.items[0].id == 7);
      CPPUNIT_ASSERT(seen.items[1].action == Action::kAdd && seen.items[1].name == "Welcome");
      for (const auto& item : seen.items) CPPUNIT_ASSERT(item.kind == kind);
      const auto parsed = json::parse(response.body);
      const json::Array& results = *(*parsed)["results"].asArray();
      CPPUNIT_ASSERT_EQUAL(std::string(word), results[0]["kind"].textOr(""));

      rig.activeCampaign = [](ChangePayload& change) {
        change.items[0].result = ItemResult::kUnknown;
        return Verdict::refused(members::renderResults(change), "no");
      };
      rig.assertProblem(422, "refused", rig.answer(post(R"({"add":[9]})", "", "42", path)));
      CPPUNIT_ASSERT_EQUAL(202, rig.answer(post(R"({"add":[9]})", "wait=0", "42", path)).status);
    }
  }

  void automationsAndListsRefuseAlike() {
    for (const std::string path : {"automations", "lists"}) {
      const auto tried = [&](const std::string& body, const std::string& contact = "42") {
        return rig.answer(post(body, "wait=0", contact, path));
      };
      rig.assertNeedsScope(access::Scope::kContactsWrite, post("{}", "", "42", path));
      rig.assertProblem(400, "invalid_request", tried("{}"));
      rig.assertProblem(400, "invalid_request", tried(R"({"add":"x"})"));
      // Automations and lists are made in ActiveCampaign alone.
      rig.assertProblem(400, "unknown_field", tried(R"({"add":["x"],"create_missing":true})"));
      rig.assertProblem(404, "not_found", tried(R"({"add":["x"]})", "43"));
      rig.assertProblem(413, "too_large", tried(std::string(64 * 1024 + 1, ' ')));
      auto request = post("add=x", "", "42", path);
      request.contentType = "text/plain";
      rig.assertProblem(415, "unsupported_media_type", rig.answer(request));
      request = post(R"({"add":["x"]})", "", "42", path);
      request.method = "PATCH";
      rig.assertProblem(405, "method_not_allowed", rig.answer(request));
      rig.store.down = true;
      (void)rig.cache.findById(42);
      rig.assertProblem(503, "unavailable", tried(R"({"add":["x"]})"));
      rig.store.down = false;
    }
    CPPUNIT_ASSERT_EQUAL(std::int64_t{0}, rig.countJobs());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MembershipRoutesTest);

}  // namespace mbr::api
