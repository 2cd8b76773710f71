#include "api/health_routes.h"

#include "api/rig.h"
#include "ops/metrics.h"

namespace mbr::api {

class HealthRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HealthRoutesTest);
  CPPUNIT_TEST(aProcessThatServesIsAlive);
  CPPUNIT_TEST(readinessIsWhatTheChecksSay);
  CPPUNIT_TEST(aDegradedCheckIsReadyAllTheSame);
  CPPUNIT_TEST(verboseListsTheChecks);
  CPPUNIT_TEST(metricsAreServedAsText);
  CPPUNIT_TEST(otherMethodsAreRefused);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  Health store;
  Health account;
  HealthRoutes routes{
      {{"store", [this] { return store; }}, {"activecampaign", [this] { return account; }}}};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Response get(const std::string& target) {
    auto request = rig.request("GET", target);
    request.authorization.clear();
    return rig.answer(request);
  }

  void aProcessThatServesIsAlive() {
    store.state = Health::State::kFailed;
    CPPUNIT_ASSERT_EQUAL(200, get("/membergate/livez").status);
  }

  void readinessIsWhatTheChecksSay() {
    CPPUNIT_ASSERT_EQUAL(200, get("/membergate/readyz").status);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"ready"})"), get("/membergate/readyz").body);
    store.state = Health::State::kFailed;
    CPPUNIT_ASSERT_EQUAL(503, get("/membergate/readyz").status);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"status":"unready"})"), get("/membergate/readyz").body);
  }

  void aDegradedCheckIsReadyAllTheSame() {
    account.state = Health::State::kDegraded;
    CPPUNIT_ASSERT_EQUAL(200, get("/membergate/readyz").status);
  }

  void verboseListsTheChecks() {
    account = {Health::State::kDegraded, "no answer"};
    for (const char* target : {"/membergate/readyz?verbose", "/membergate/readyz?verbose=1"}) {
      const auto body = json::parse(get(target).body);
      const auto& checks = *(*body)["checks"].asArray();
      CPPUNIT_ASSERT_EQUAL(std::size_t{2}, checks.size());
      CPPUNIT_ASSERT_EQUAL(std::string("store"), checks[0]["name"].textOr(""));
      CPPUNIT_ASSERT_EQUAL(std::string("ok"), checks[0]["state"].textOr(""));
      CPPUNIT_ASSERT_EQUAL(std::string("degraded"), checks[1]["state"].textOr(""));
      CPPUNIT_ASSERT_EQUAL(std::string("no answer"), checks[1]["detail"].textOr(""));
    }
    store.state = Health::State::kFailed;
    CPPUNIT_ASSERT_EQUAL(503, get("/membergate/readyz?verbose").status);
  }

  void metricsAreServedAsText() {
    ops::counter("membergate_health_test_total", "For this test").add();
    const auto response = get("/membergate/metrics");
    CPPUNIT_ASSERT_EQUAL(200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("text/plain; version=0.0.4; charset=utf-8"),
                         response.contentType);
    CPPUNIT_ASSERT(response.body.find("membergate_health_test_total 1") != std::string::npos);
  }

  void otherMethodsAreRefused() {
    const auto response = rig.answer(rig.request("POST", "/membergate/readyz"));
    rig.assertProblem(405, "method_not_allowed", response);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HealthRoutesTest);

}  // namespace mbr::api
