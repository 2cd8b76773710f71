#include "api/change_routes.h"

#include "api/rig.h"

namespace mbr::api {

using namespace std::chrono_literals;

class ChangeRoutesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChangeRoutesTest);
  CPPUNIT_TEST(changedContactsAreListedFromTheBeginning);
  CPPUNIT_TEST(whoDoesNotWaitIsAnsweredAtOnce);
  CPPUNIT_TEST(whoWaitsIsAnsweredByTheCommit);
  CPPUNIT_TEST(whoWaitsInVainIsToldSo);
  CPPUNIT_TEST(changesOfOtherKindsWakeNobody);
  CPPUNIT_TEST(aWaitThatBeginsWithNewsDoesNotWait);
  CPPUNIT_TEST(manyWaitForOneCommit);
  CPPUNIT_TEST(theLimitIsKept);
  CPPUNIT_TEST(whatIsNotKeptMustBeReadAnew);
  CPPUNIT_TEST(pastTheBoundOnWaitingRepliesItIsBusy);
  CPPUNIT_TEST(parametersOutsideTheirRangeAreRefused);
  CPPUNIT_TEST(aStoreThatIsDownIsTold);
  CPPUNIT_TEST(aKeyWithTheScopeIsNeeded);
  CPPUNIT_TEST_SUITE_END();

  ApiRig rig;
  members::ChangeFeed feed{rig.store};
  ChangeRoutes routes{rig.apiKeys, feed};

 public:
  void setUp() override {
    routes.registerOn(rig.router);
    rig.listener = [this](const std::vector<store::Change>& changes) { routes.onChanges(changes); };
  }
  void tearDown() override {
    rig.database.write([](store::Transaction&) {});
    rig.listener = {};
  }

 private:
  http::Request get(const std::string& query) const {
    return rig.request("GET", "/membergate/v1/changes" + (query.empty() ? "" : "?" + query));
  }
  std::string last() { return ApiRig::member(rig.answer(get("")), "last"); }
  std::shared_ptr<test::RecordedReply> ask(const std::string& query) {
    auto recorded = test::RecordedReply::make();
    rig.router.handle(get(query), recorded->reply());
    return recorded;
  }
  http::Response answerOf(test::RecordedReply& recorded) {
    auto response = recorded.wait();
    recordAnswer(get(""), response);
    return response;
  }

  void changedContactsAreListedFromTheBeginning() {
    rig.saveContact(42, "jane@example.com");
    rig.saveContact(43, "john@example.com");
    rig.saveContact(42, "jane@example.com", [](Contact& contact) { contact.firstName = "J"; });
    const auto response = rig.answer(get("after=0"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    const auto body = json::parse(response.body);
    const json::Array& rows = *(*body)["changes"].asArray();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rows.size());
    CPPUNIT_ASSERT_EQUAL(std::string("43"), rows[0]["contact_id"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("42"), rows[1]["contact_id"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-14T22:13:20.000Z"), rows[0]["at"].textOr(""));
    CPPUNIT_ASSERT_EQUAL((*body)["last"].textOr(""), rows[1]["id"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
  }

  void whoDoesNotWaitIsAnsweredAtOnce() {
    const std::string at = last();
    const auto response = rig.answer(get("after=" + at));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"changes":[],"last":")" + at + "\"}"), response.body);
  }

  void whoWaitsIsAnsweredByTheCommit() {
    const std::string at = last();
    const auto waiting = ask("after=" + at + "&wait=25");
    CPPUNIT_ASSERT(!waiting->isAnswered());
    CPPUNIT_ASSERT(waiting->fallback()->when == rig.clock.steady() + 25s);
    rig.saveContact(42, "jane@example.com");
    const auto response = answerOf(*waiting);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, 200, response.status);
    CPPUNIT_ASSERT(response.body.find(R"("contact_id":"42")") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(last(), ApiRig::member(response, "last"));
  }

  void whoWaitsInVainIsToldSo() {
    const std::string at = last();
    const auto waiting = ask("after=" + at + "&wait=1");
    const auto fallback = waiting->fallback()->response;
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"changes":[],"last":")" + at + "\"}"), fallback.body);
    CPPUNIT_ASSERT_EQUAL(200, fallback.status);
  }

  void changesOfOtherKindsWakeNobody() {
    rig.saveContact(42, "jane@example.com");
    const auto waiting = ask("after=" + last() + "&wait=25");
    rig.database.write([](store::Transaction& tx) {
      tx.touchContact(*tx.findContact(42));
      tx.addJob(Job{});
    });
    rig.database.write([](store::Transaction&) {});
    CPPUNIT_ASSERT(!waiting->isAnswered());
    rig.database.write([](store::Transaction& tx) { tx.eraseContact(42); });
    CPPUNIT_ASSERT(answerOf(*waiting).body.find(R"("contact_id":"42")") != std::string::npos);
  }

  void aWaitThatBeginsWithNewsDoesNotWait() {
    const std::string at = last();
    rig.saveContact(42, "jane@example.com");
    const auto asked = ask("after=" + at + "&wait=25");
    CPPUNIT_ASSERT(asked->isAnswered() && !asked->fallback());
  }

  void manyWaitForOneCommit() {
    const std::string at = last();
    std::vector<std::shared_ptr<test::RecordedReply>> all;
    for (int i = 0; i < 50; ++i) all.push_back(ask("after=" + at + "&wait=5"));
    rig.saveContact(42, "jane@example.com");
    for (const auto& one : all) {
      CPPUNIT_ASSERT_EQUAL(200, answerOf(*one).status);
      CPPUNIT_ASSERT_EQUAL(0, one->extraAnswers());
    }
    rig.saveContact(42, "jane@example.com", [](Contact& contact) { contact.firstName = "J"; });
    for (const auto& one : all) CPPUNIT_ASSERT_EQUAL(0, one->extraAnswers());
  }

  void theLimitIsKept() {
    for (ContactId id = 1; id <= 3; ++id) {
      rig.saveContact(id, "c" + std::to_string(id) + "@example.com");
    }
    const auto first = rig.answer(get("after=0&limit=2"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, (*json::parse(first.body))["changes"].asArray()->size());
    const auto second = rig.answer(get("limit=2&after=" + ApiRig::member(first, "last")));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, (*json::parse(second.body))["changes"].asArray()->size());
  }

  void whatIsNotKeptMustBeReadAnew() {
    rig.saveContact(42, "jane@example.com");
    rig.clock.advance(1h);
    rig.saveContact(43, "john@example.com");
    const Instant now = rig.clock.now();
    rig.database.write([now](store::Transaction& tx) { tx.prune({}, now, {}, {}); });
    for (const char* query : {"after=0", "", "after=9007199254740991&wait=5"}) {
      const auto response = rig.answer(get(query));
      rig.assertProblem(409, "resync_needed", response);
      const auto on = rig.answer(get("after=" + ApiRig::member(response, "last")));
      CPPUNIT_ASSERT_EQUAL(200, on.status);
    }
  }

  void pastTheBoundOnWaitingRepliesItIsBusy() {
    auto recorded = test::RecordedReply::make();
    recorded->refuseWaiting();
    rig.assertProblem(503, "busy", rig.answer(get("wait=5&after=" + last()), *recorded));
  }

  void parametersOutsideTheirRangeAreRefused() {
    for (const char* query : {"after=",
                              "after=-1",
                              "after=x",
                              "after=1x",
                              "after=+1",
                              "after=0x1",
                              "after=1.5",
                              "after=9007199254740992",
                              "after=99999999999999999999",
                              "after=%30%00",
                              "after=%zz",
                              "wait=26",
                              "wait=-1",
                              "wait=",
                              "wait=1s",
                              "limit=0",
                              "limit=1001",
                              "limit=-5",
                              "limit=%ff",
                              "after[]=1&after=",
                              "limit=99999999999"}) {
      rig.assertProblem(400, "invalid_request", rig.answer(get(query)));
    }
    CPPUNIT_ASSERT_EQUAL(200, rig.answer(get("after=0&wait=0&limit=1000&other=x")).status);
  }

  void aStoreThatIsDownIsTold() {
    rig.store.down = true;
    rig.assertProblem(503, "unavailable", rig.answer(get("")));
  }

  void aKeyWithTheScopeIsNeeded() { rig.assertNeedsScope(access::Scope::kContactsRead, get("")); }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChangeRoutesTest);

}  // namespace mbr::api
