#include "api/erase_routes.h"

#include <optional>

#include "api/rig.h"

namespace mbr::api {

class EraseRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EraseRoutesTest);
  CPPUNIT_TEST(anIdOrAnEmailNamesTheContact);
  CPPUNIT_TEST(theAuditLearnsWhoAsked);
  CPPUNIT_TEST(whatIsNotKeptIsNotFound);
  CPPUNIT_TEST(anErasureThatFailedIsTold);
  CPPUNIT_TEST(aPathThatNamesNobodyIsRefused);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  std::optional<EraseRoutes::Order> order_;
  Outcome outcome_ = Done{};
  EraseRoutes routes{rig.apiKeys, [this](EraseRoutes::Order order, const auto& done) {
                       order_ = std::move(order);
                       done(outcome_);
                     }};

 public:
  void setUp() override { routes.registerOn(rig.router); }

 private:
  http::Response erase(const std::string& contact) {
    return rig.answer(rig.request("DELETE", "/membergate/v1/contacts/" + contact));
  }

  void anIdOrAnEmailNamesTheContact() {
    const auto response = erase("42");
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 204, response.status);
    CPPUNIT_ASSERT(response.bodyView().empty());
    CPPUNIT_ASSERT(order_->who.id == 42 && !order_->who.email);
    CPPUNIT_ASSERT_EQUAL(204, erase("Jane%40Example.com").status);
    CPPUNIT_ASSERT(order_->who.email == Email::parse("jane@example.com") && !order_->who.id);
  }

  void theAuditLearnsWhoAsked() {
    erase("42");
    CPPUNIT_ASSERT_EQUAL(std::string("key:1"), order_->actor);
    CPPUNIT_ASSERT_EQUAL(std::string("req-1"), order_->requestId);
  }

  void whatIsNotKeptIsNotFound() {
    outcome_ = Error{Code::kNotFound, "nothing"};
    rig.assertProblem(404, "not_found", erase("42"));
  }

  void anErasureThatFailedIsTold() {
    outcome_ = Error{Code::kUnavailable, "disk"};
    rig.assertProblem(503, "unavailable", erase("42"));
    CPPUNIT_ASSERT(erase("42").body.find("disk") == std::string::npos);
  }

  void aPathThatNamesNobodyIsRefused() {
    for (const char* contact :
         {"0", "-1", "x", "1.5", "a%40b%40c", "%40", "99999999999999999999", "4%202"}) {
      rig.assertProblem(400, "invalid_request", erase(contact));
    }
    CPPUNIT_ASSERT(!order_);
  }

  void aKeyWithTheScopeIsNeeded() {
    rig.assertNeedsScope(access::Scope::kAdmin,
                         rig.request("DELETE", "/membergate/v1/contacts/42"));
    CPPUNIT_ASSERT(!order_);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EraseRoutesTest);

}  // namespace mbr::api
