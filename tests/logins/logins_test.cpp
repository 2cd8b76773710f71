#include "logins/logins.h"

#include <future>
#include <utility>

#include "support/login_rig.h"
#include "sync/captured_log.h"

namespace mbr::logins {
class LoginsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LoginsTest);
  CPPUNIT_TEST(theRightPasswordIsAdmittedWithItsContact);
  CPPUNIT_TEST(aSessionIsStartedOnlyIfItIsWanted);
  CPPUNIT_TEST(theSessionIsOnDiskBeforeTheAnswer);
  CPPUNIT_TEST(whatIsWrongIsAnsweredNoSoonerThanTheFailureTime);
  CPPUNIT_TEST(aMissingTagIsNotEntitled);
  CPPUNIT_TEST(theConditionIsAskedBesideTheEntitlement);
  CPPUNIT_TEST(theConditionIsNotAskedOfAWrongPassword);
  CPPUNIT_TEST(guessingIsThrottledAndSaysForHowLong);
  CPPUNIT_TEST(successForgetsThePairsFailures);
  CPPUNIT_TEST(aRightPasswordWithoutEntitlementIsNoFailure);
  CPPUNIT_TEST(whatWasNotCheckedIsNoFailure);
  CPPUNIT_TEST(aSessionThatIsNotSavedIsNoLogin);
  CPPUNIT_TEST(aPasswordThatChangedMeanwhileIsWrong);
  CPPUNIT_TEST(aSessionThatWasOverBeforeItBeganIsNoLogin);
  CPPUNIT_TEST(everyVerdictIsCountedTimedAndLogged);
  CPPUNIT_TEST(aDoorWithoutANameIsNotNamedInTheLog);
  CPPUNIT_TEST_SUITE_END();

  test::LoginRig rig{test::memberOptions()};

 public:
  void setUp() override { rig.addVisitors(); }

 private:
  Attempt attempt(const std::string& user, const std::string& password) const {
    Attempt made;
    made.route = "door";
    made.requestId = "req-1";
    made.arrived = rig.clock.steady();
    made.user = user;
    made.password = Secret(password);
    made.address = access::Address::parse("203.0.113.7");
    made.wantsSession = true;
    return made;
  }
  Answer answer(Attempt made) {
    std::promise<Answer> promise;
    auto future = promise.get_future();
    rig.logins.attempt(std::move(made),
                       [&promise](const Answer& given) { promise.set_value(given); });
    CPPUNIT_ASSERT(future.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
    return future.get();
  }
  Answer login(const std::string& user, const std::string& password) {
    return answer(attempt(user, password));
  }
  static void assertVerdict(Verdict expected, const Answer& given) {
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(expected), static_cast<int>(given.verdict));
  }
  static double count(const char* result) {
    return ops::counter("membergate_logins_total", "", {{"result", result}}).value();
  }

  void theRightPasswordIsAdmittedWithItsContact() {
    const auto given = login(" Jane@Example.com ", "correct horse");
    assertVerdict(Verdict::kAdmitted, given);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, given.login.contact->contact.id);
    CPPUNIT_ASSERT(given.login.source == members::LoginResult::DataSource::kCache);
  }

  void aSessionIsStartedOnlyIfItIsWanted() {
    auto made = attempt("jane@example.com", "correct horse");
    made.wantsSession = false;
    const auto given = answer(std::move(made));
    assertVerdict(Verdict::kAdmitted, given);
    CPPUNIT_ASSERT(!given.session);
    rig.database.read([](store::Reader& reader) {
      CPPUNIT_ASSERT(reader.listVisitors({}, Instant::max(), 10).empty());
    });
    CPPUNIT_ASSERT(login("jane@example.com", "correct horse").session.has_value());
  }

  void theSessionIsOnDiskBeforeTheAnswer() {
    const auto given = login("jane@example.com", "correct horse");
    rig.database.reopen();
    access::Sessions again{rig.database.store(), rig.random, rig.clock};
    const auto session = again.find(given.session->token.reveal());
    CPPUNIT_ASSERT(session && *session);
    CPPUNIT_ASSERT_EQUAL(ContactId{42}, (*session)->contactId);
    CPPUNIT_ASSERT_EQUAL(std::string("password"), (*session)->via);
    CPPUNIT_ASSERT((*session)->expiresAt == given.session->expiresAt);
  }

  void whatIsWrongIsAnsweredNoSoonerThanTheFailureTime() {
    for (const auto& [user, password] :
         std::vector<std::pair<std::string, std::string>>{{"jane@example.com", "wrong"},
                                                          {"jane@example.com", ""},
                                                          {"unknown@example.com", "correct horse"},
                                                          {"none@example.com", "correct horse"},
                                                          {"no address at all", "correct horse"},
                                                          {"", ""}}) {
      const auto given = login(user, password);
      assertVerdict(Verdict::kWrong, given);
      CPPUNIT_ASSERT(given.notBefore == rig.clock.steady() + Milliseconds{500});
      CPPUNIT_ASSERT(!given.session);
    }
  }

  void aMissingTagIsNotEntitled() {
    const auto given = login("guest@example.com", "correct horse");
    assertVerdict(Verdict::kNotEntitled, given);
    CPPUNIT_ASSERT(!given.session);
    CPPUNIT_ASSERT_EQUAL(ContactId{43}, given.login.contact->contact.id);
  }

  void theConditionIsAskedBesideTheEntitlement() {
    for (const bool met : {true, false}) {
      for (const char* user : {"jane@example.com", "guest@example.com"}) {
        auto made = attempt(user, "correct horse");
        made.condition = [met](const Contact&) { return met; };
        const bool entitled = met && made.user == "jane@example.com";
        assertVerdict(entitled ? Verdict::kAdmitted : Verdict::kNotEntitled,
                      answer(std::move(made)));
      }
    }
  }

  void theConditionIsNotAskedOfAWrongPassword() {
    bool asked = false;
    auto made = attempt("jane@example.com", "wrong");
    made.condition = [&asked](const Contact&) { return asked = true; };
    assertVerdict(Verdict::kWrong, answer(std::move(made)));
    CPPUNIT_ASSERT(!asked);
  }

  void guessingIsThrottledAndSaysForHowLong() {
    for (int i = 0; i < 5; ++i) login("jane@example.com", "wrong");
    const auto given = login("jane@example.com", "correct horse");
    assertVerdict(Verdict::kThrottled, given);
    CPPUNIT_ASSERT(given.retryAfter == std::chrono::seconds{1});
    rig.clock.advance(std::chrono::seconds{1});
    assertVerdict(Verdict::kAdmitted, login("jane@example.com", "correct horse"));
  }

  void successForgetsThePairsFailures() {
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) login("jane@example.com", "wrong");
      assertVerdict(Verdict::kAdmitted, login("jane@example.com", "correct horse"));
    }
  }

  void aRightPasswordWithoutEntitlementIsNoFailure() {
    for (int i = 0; i < 10; ++i) {
      assertVerdict(Verdict::kNotEntitled, login("guest@example.com", "correct horse"));
    }
  }

  void whatWasNotCheckedIsNoFailure() {
    rig.pool.stop();
    for (int i = 0; i < 10; ++i) {
      const auto given = login("jane@example.com", "wrong");
      assertVerdict(Verdict::kBusy, given);
      CPPUNIT_ASSERT(given.error && given.error->code == Code::kBusy);
    }
    rig.store.down = true;
    for (int i = 0; i < 10; ++i) {
      const auto given = login("unknown@example.com", "wrong");
      assertVerdict(Verdict::kUnavailable, given);
      CPPUNIT_ASSERT(given.error && given.error->code == Code::kUnavailable);
    }
  }

  void aSessionThatIsNotSavedIsNoLogin() {
    rig.saving = Error{Code::kBusy, "the queue is full"};
    const auto given = login("jane@example.com", "correct horse");
    assertVerdict(Verdict::kUnavailable, given);
    CPPUNIT_ASSERT(!given.session);
    CPPUNIT_ASSERT(given.error && given.error->code == Code::kBusy);
  }

  void aPasswordThatChangedMeanwhileIsWrong() {
    rig.saving = Error{Code::kConflict, "the password changed"};
    assertVerdict(Verdict::kWrong, login("jane@example.com", "correct horse"));
  }

  void aSessionThatWasOverBeforeItBeganIsNoLogin() {
    access::Sessions over{rig.store, rig.random, rig.clock, {Milliseconds{0}, Milliseconds{0}}};
    Logins logins{rig.throttle,
                  over,
                  rig.verifier,
                  rig.clock,
                  [](const store::SessionRecord&, Instant, const auto& done) { done(Done{}); },
                  {}};
    std::promise<Verdict> promise;
    logins.attempt(attempt("jane@example.com", "correct horse"),
                   [&promise](const Answer& given) { promise.set_value(given.verdict); });
    CPPUNIT_ASSERT(promise.get_future().get() == Verdict::kUnavailable);
  }

  void everyVerdictIsCountedTimedAndLogged() {
    const double admitted = count("admitted");
    const double wrong = count("wrong");
    const double entitled = count("not_entitled");
    const double throttled = count("throttled");
    std::string log;
    {
      const test::CapturedLog captured;
      login("jane@example.com", "correct horse");
      login("guest@example.com", "correct horse");
      for (int i = 0; i < 6; ++i) login("unknown@example.com", "x");
      log = captured.text();
    }
    CPPUNIT_ASSERT_EQUAL(admitted + 1, count("admitted"));
    CPPUNIT_ASSERT_EQUAL(entitled + 1, count("not_entitled"));
    CPPUNIT_ASSERT_EQUAL(wrong + 5, count("wrong"));
    CPPUNIT_ASSERT_EQUAL(throttled + 1, count("throttled"));
    CPPUNIT_ASSERT_MESSAGE(log, log.find(R"("event":"login","route":"door","result":"admitted",)"
                                         R"("request_id":"req-1"})") != std::string::npos);
    CPPUNIT_ASSERT_MESSAGE(log, log.find(R"("result":"throttled")") != std::string::npos);
    CPPUNIT_ASSERT_MESSAGE(log, log.find("example.com") == std::string::npos);
    CPPUNIT_ASSERT(ops::metricsText().find("membergate_login_seconds_count") != std::string::npos);
  }

  void aDoorWithoutANameIsNotNamedInTheLog() {
    const test::CapturedLog captured;
    auto made = attempt("jane@example.com", "wrong");
    made.route.clear();
    answer(std::move(made));
    const std::string log = captured.text();
    CPPUNIT_ASSERT_MESSAGE(log,
                           log.find(R"("event":"login","result":"wrong")") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LoginsTest);

}  // namespace mbr::logins
