#include "api/job_routes.h"

#include "api/rig.h"
#include "members/job_payload.h"

namespace mbr::api {

class JobRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JobRoutesTest);
  CPPUNIT_TEST(aJobIsShownWithoutWhatItCarries);
  CPPUNIT_TEST(anEndedChangeShowsItsResults);
  CPPUNIT_TEST(resultsOfOtherKindsAreNotShown);
  CPPUNIT_TEST(anUnknownJobIsNotFound);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  Result<std::optional<Job>> found = std::optional<Job>();
  JobRoutes routes{rig.apiKeys, [this](JobId) { return found; }};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Response get(const std::string& id) {
    return rig.answer(rig.request("GET", "/membergate/v1/jobs/" + id));
  }

  Job job(std::string_view kind, JobState state) const {
    Job made;
    made.id = 9;
    made.kind = kind;
    made.state = state;
    made.contactId = 42;
    made.payload = R"({"secret":"payload"})";
    made.sealed = "secret sealed";
    made.attempts = 2;
    made.reason = "kBusy: later";
    made.createdAt = made.dueAt = rig.clock.now();
    return made;
  }

  void aJobIsShownWithoutWhatItCarries() {
    found = std::optional<Job>(job(members::kPasswordJob, JobState::kQueued));
    const auto response = get("9");
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(
        std::string(R"({"id":"9","kind":"password","state":"queued","contact_id":"42",)"
                    R"("attempts":2,"created_at":"2023-11-14T22:13:20.000Z",)"
                    R"("due_at":"2023-11-14T22:13:20.000Z","reason":"kBusy: later","results":[]})"),
        response.body);
  }

  void anEndedChangeShowsItsResults() {
    Job ended = job(members::kChangeJob, JobState::kDone);
    members::ChangePayload change;
    change.items.resize(1);
    change.items[0].id = 7;
    change.items[0].name = "Gold";
    change.items[0].result = members::ChangePayload::Item::Result::kApplied;
    ended.result = members::renderResults(change);
    found = std::optional<Job>(ended);
    const auto body = json::parse(get("9").body);
    CPPUNIT_ASSERT((*body)["due_at"].isNull());
    CPPUNIT_ASSERT_EQUAL(std::string("done"), (*body)["state"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("Gold"),
                         (*body)["results"].asArray()->at(0)["name"].textOr(""));
  }

  void resultsOfOtherKindsAreNotShown() {
    Job ended = job(members::kRefreshJob, JobState::kDone);
    ended.contactId.reset();
    ended.result = R"([{"anything":1}])";
    found = std::optional<Job>(ended);
    const auto body = json::parse(get("9").body);
    CPPUNIT_ASSERT((*body)["results"].asArray()->empty());
    CPPUNIT_ASSERT((*body)["contact_id"].isNull());
  }

  void anUnknownJobIsNotFound() {
    rig.assertProblem(404, "not_found", get("9"));
    rig.assertProblem(404, "not_found", get("nine"));
  }

  void aStoreThatIsDownIsTold() {
    found = Error{Code::kUnavailable, "down"};
    rig.assertProblem(503, "unavailable", get("9"));
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kContactsRead, rig.request("GET", "/membergate/v1/jobs/9"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(JobRoutesTest);

}  // namespace mbr::api
