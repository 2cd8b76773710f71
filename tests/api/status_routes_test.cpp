#include "api/status_routes.h"

#include "api/rig.h"

namespace mbr::api {

class StatusRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StatusRoutesTest);
  CPPUNIT_TEST(whatWasReadIsShown);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  Result<json::Object> status_ = json::Object{
      {"version", "1.2.3"},
      {"started_at", "2023-11-14T22:13:20.000Z"},
      {"store", json::Object{{"state", "ok"}}},
      {"activecampaign", json::Object{{"state", "working"},
                                      {"budget", json::Object{{"requests_per_second", 4.0},
                                                              {"recent_requests", 1},
                                                              {"frozen_until", nullptr}}}}},
      {"jobs", json::Array{json::Object{{"lane", "site"}, {"state", "queued"}, {"count", 2}}}},
      {"gaps_open", 0},
      {"last_sweep", nullptr},
      {"contacts", 3}};
  StatusRoutes routes{rig.apiKeys, [this] { return status_; }};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Request get() const { return rig.request("GET", "/membergate/v1/status"); }

  void whatWasReadIsShown() {
    const auto response = rig.answer(get());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT_EQUAL(std::string("working"), ApiRig::member(response, "activecampaign.state"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
  }

  void aStoreThatIsDownIsTold() {
    status_ = Error{Code::kUnavailable, "disk"};
    rig.assertProblem(503, "unavailable", rig.answer(get()));
  }

  void aKeyWithTheScopeIsNeeded() { rig.assertNeedsScope(access::Scope::kAdmin, get()); }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StatusRoutesTest);

}  // namespace mbr::api
