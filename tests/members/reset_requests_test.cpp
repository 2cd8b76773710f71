#include "members/reset_requests.h"

#include "members/rig.h"

namespace mbr::members {

using namespace std::chrono_literals;

class ResetRequestsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ResetRequestsTest);
  CPPUNIT_TEST(aMemberGetsALink);
  CPPUNIT_TEST(underKeepTheAutomationAloneIsStarted);
  CPPUNIT_TEST(otherwiseTheAutomationFollowsTheLink);
  CPPUNIT_TEST(anUnknownEmailIsAnsweredTheSame);
  CPPUNIT_TEST(aContactWithoutAPasswordIsNoMember);
  CPPUNIT_TEST(withLinksTagsMayMakeItOne);
  CPPUNIT_TEST(whoMayNotLogInGetsNone);
  CPPUNIT_TEST(onceIn15Minutes);
  CPPUNIT_TEST(fiveADay);
  CPPUNIT_TEST(tenAnHourFromOneAddress);
  CPPUNIT_TEST(theBoundsOutliveARestart);
  CPPUNIT_TEST(aStoreThatDoesNotAnswerIsTold);
  CPPUNIT_TEST(aClockThatWasSetBackDoesNotLockAnyoneOut);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::MembersRig> rig_ = std::make_unique<test::MembersRig>();

  Outcome ask(const std::string& email, const ResetRequests::Options& options,
              const std::string& address = "198.51.100.7") {
    ResetRequests requests(
        rig_->store, rig_->keys, rig_->links, [] {}, options);
    std::promise<Outcome> promise;
    requests.ask(test::email(email), address, [&](Outcome outcome) { promise.set_value(outcome); });
    auto answer = promise.get_future();
    return test::resultOf(answer);
  }
  Outcome ask(const std::string& email = "a@example.com") { return ask(email, {}); }
  void pass(Milliseconds time) { rig_->clock.advance(time); }
  void becomeMember(ContactId id) {
    rig_->write([&](store::Transaction& tx) {
      tx.saveCredential(rig_->hasher.makeFast(id, Secret("the old one"),
                                              CredentialOrigin::kGenerated, rig_->clock.now()));
    });
  }
  std::size_t asked() { return rig_->jobs().size(); }
  PasswordPayload payload() { return *readPasswordPayload(rig_->jobs().back().payload); }

 public:
  void setUp() override {
    rig_->known(42, "a@example.com");
    becomeMember(42);
  }
  void tearDown() override { rig_.reset(); }

 private:
  void aMemberGetsALink() {
    CPPUNIT_ASSERT(ask());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
    CPPUNIT_ASSERT_EQUAL(std::string(kPasswordJob), rig_->jobs()[0].kind);
    CPPUNIT_ASSERT(payload().wish == PasswordPayload::Wish::kLink);
    CPPUNIT_ASSERT(rig_->knows(42, "the old one"));
  }

  void underKeepTheAutomationAloneIsStarted() {
    CPPUNIT_ASSERT(ask("a@example.com", {PasswordPolicy::kKeep, 5}));
    CPPUNIT_ASSERT_EQUAL(std::string(kFollowUpJob), rig_->jobs()[0].kind);
    CPPUNIT_ASSERT(rig_->jobs()[0].state == JobState::kQueued);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, payload().steps[0].id);
  }

  void otherwiseTheAutomationFollowsTheLink() {
    CPPUNIT_ASSERT(ask("a@example.com", {PasswordPolicy::kWipeOnLogin, 5}));
    CPPUNIT_ASSERT_EQUAL(std::string(kPasswordJob), rig_->jobs()[0].kind);
    CPPUNIT_ASSERT(payload().wish == PasswordPayload::Wish::kLink);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, payload().steps[0].id);
  }

  void anUnknownEmailIsAnsweredTheSame() {
    CPPUNIT_ASSERT(ask("nobody@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
  }

  void aContactWithoutAPasswordIsNoMember() {
    rig_->known(43, "b@example.com");
    CPPUNIT_ASSERT(ask("b@example.com"));
    CPPUNIT_ASSERT(ask("b@example.com", {PasswordPolicy::kLink}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
  }

  void withLinksTagsMayMakeItOne() {
    rig_->known(43, "b@example.com", {1});
    rig_->known(44, "c@example.com");
    ResetRequests::Options options;
    options.policy = PasswordPolicy::kLink;
    options.hasRequiredTags = true;
    options.isEntitled = [](const Contact& contact) { return contact.hasTag(1); };
    CPPUNIT_ASSERT(ask("c@example.com", options));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
    CPPUNIT_ASSERT(ask("b@example.com", options));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
  }

  void whoMayNotLogInGetsNone() {
    ResetRequests::Options options;
    options.isEntitled = [](const Contact&) { return false; };
    CPPUNIT_ASSERT(ask("a@example.com", options));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, asked());
  }

  void onceIn15Minutes() {
    CPPUNIT_ASSERT(ask());
    pass(14min);
    CPPUNIT_ASSERT(ask());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
    pass(1min);
    CPPUNIT_ASSERT(ask());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, asked());
  }

  void fiveADay() {
    for (int i = 0; i < 8; ++i) {
      CPPUNIT_ASSERT(ask());
      pass(1h);
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, asked());
    pass(16h);
    CPPUNIT_ASSERT(ask());
    CPPUNIT_ASSERT_EQUAL(std::size_t{6}, asked());
  }

  void tenAnHourFromOneAddress() {
    for (ContactId id = 100; id < 112; ++id) {
      const std::string email = std::to_string(id) + "@example.com";
      rig_->known(id, email);
      becomeMember(id);
      CPPUNIT_ASSERT(ask(email));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{10}, asked());
    CPPUNIT_ASSERT(ask("a@example.com", {}, "203.0.113.1"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{11}, asked());
  }

  void theBoundsOutliveARestart() {
    CPPUNIT_ASSERT(ask());
    CPPUNIT_ASSERT(ask());  // each ask() has an object of its own: all that is counted is stored
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, asked());
  }

  void aStoreThatDoesNotAnswerIsTold() {
    rig_->store.failAt(test::FailingStore::Step::kBegin);
    CPPUNIT_ASSERT(!ask());
  }

  void aClockThatWasSetBackDoesNotLockAnyoneOut() {
    store::ThrottleRecord record;
    const Instant now = rig_->clock.now();
    CPPUNIT_ASSERT(takeReset(record, kResetsPerEmail, now + 48h));
    CPPUNIT_ASSERT(takeReset(record, kResetsPerEmail, now));
    CPPUNIT_ASSERT(!takeReset(record, kResetsPerEmail, now));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ResetRequestsTest);

}  // namespace mbr::members
