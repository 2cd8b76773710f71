#include "members/delivery_rig.h"

namespace mbr::members {

using Status = Receipt::Status;
using Password = Receipt::Password;

// Whom an event webhook gives a password by PasswordRule.
class RuleOnEventsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RuleOnEventsTest);
  CPPUNIT_TEST(aCoveredContactGetsAPasswordJobWithTheStepsOfTheRule);
  CPPUNIT_TEST(thePasswordJobReadsTheContactSoNoRefreshIsNeeded);
  CPPUNIT_TEST(withoutARuleNobodyGetsOne);
  CPPUNIT_TEST(aContactWhoseCredentialIsKnownGetsNone);
  CPPUNIT_TEST(aJobThatIsOpenIsEnough);
  CPPUNIT_TEST(aJobThatHasNotBegunReadsWhatComesMeanwhile);
  CPPUNIT_TEST(aJobThatHasBegunDoesNot);
  CPPUNIT_TEST(aJobThatIsPutOffDoesNot);
  CPPUNIT_TEST(theTagsOfTheBodyCover);
  CPPUNIT_TEST(aTagEventCovers);
  CPPUNIT_TEST(aTagThatTheBodyTookAwayDoesNotCover);
  CPPUNIT_TEST(aTagWhoseNameIsUnknownDoesNotCoverYet);
  CPPUNIT_TEST(anUnchangedContactIsJudgedToo);
  CPPUNIT_TEST(theAutomationDialectGetsNoneByTheRule);
  CPPUNIT_TEST(anEventThatAsksItselfHasItsOwnJob);
  CPPUNIT_TEST(aDeletedContactGetsNone);
  CPPUNIT_TEST(whoIsNamedByOneKeyOnlyGetsNone);
  CPPUNIT_TEST(ifTheStoreFailsNobodyGetsOne);
  CPPUNIT_TEST_SUITE_END();

  using Who = PasswordRule::Who;

  test::DeliveryRig rig_;
  DeliveryApplier::Options options_{Milliseconds{60000}, {}, {Who::kAll, {}, {}, {}}};

  Result<Receipt> tryApply(Delivery delivery) {
    DeliveryApplier applier(rig_.store, rig_.directories, rig_.sealer, rig_.clock, options_,
                            [this] { ++rig_.woken; });
    std::promise<Result<Receipt>> promise;
    auto receipt = promise.get_future();
    applier.apply(std::move(delivery),
                  [&](Result<Receipt> answer) { promise.set_value(std::move(answer)); });
    return test::resultOf(receipt);
  }
  Receipt apply(Delivery delivery) {
    auto receipt = tryApply(std::move(delivery));
    CPPUNIT_ASSERT(receipt.ok());
    return *receipt;
  }
  void expect(Password password, std::size_t jobs, Delivery delivery) {
    const Receipt receipt = apply(std::move(delivery));
    CPPUNIT_ASSERT(receipt.status == Status::kAccepted);
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(password), static_cast<int>(receipt.password));
    CPPUNIT_ASSERT_EQUAL(jobs, rig_.jobsOf(kPasswordJob).size());
  }
  static Delivery event(const std::string& firstName = "Ada") {
    Delivery delivery = test::DeliveryRig::body(42, "a@example.com");
    delivery.firstName = firstName;
    return delivery;
  }
  static Delivery tagEvent(const std::string& type, const std::string& tag) {
    Delivery delivery = event();
    delivery.eventType = type;
    delivery.changedTag = tag;
    return delivery;
  }
  void tagged(std::vector<TagId> tags) {
    options_.passwordRule.who = Who::kTagged;
    options_.passwordRule.tags = std::move(tags);
  }
  std::size_t refreshes() { return rig_.jobsOf(kRefreshJob).size(); }

  void aCoveredContactGetsAPasswordJobWithTheStepsOfTheRule() {
    options_.passwordRule.thenTags = {2};
    options_.passwordRule.thenAutomations = {5};
    expect(Password::kQueued, 1, event());
    CPPUNIT_ASSERT_EQUAL(1, rig_.woken);
    const auto job = rig_.openJob(kPasswordJob, "42");
    CPPUNIT_ASSERT(job.has_value());
    CPPUNIT_ASSERT(job->contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(job->dueAt == rig_.clock.now());
    CPPUNIT_ASSERT(job->sealed.empty());
    const auto payload = readPasswordPayload(job->payload);
    CPPUNIT_ASSERT(payload->byRule && payload->autoregister && !payload->hasDefault);
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), payload->email);
    CPPUNIT_ASSERT(sameSteps(payload->steps, stepsOf({2}, {5})));
  }

  void thePasswordJobReadsTheContactSoNoRefreshIsNeeded() {
    apply(event());
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, refreshes());
  }

  void withoutARuleNobodyGetsOne() {
    options_.passwordRule.who = Who::kNone;
    expect(Password::kNone, 0, event());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void aContactWhoseCredentialIsKnownGetsNone() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) {
      tx.saveCredential(
          rig_.hasher.makeFast(42, Secret("theirs"), CredentialOrigin::kAdopted, rig_.clock.now()));
    });
    expect(Password::kNone, 0, event("Grace"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void aJobThatIsOpenIsEnough() {
    apply(event());
    expect(Password::kPending, 1, event("Grace"));
    apply(test::DeliveryRig::genpass(43, "b@example.com"));
    expect(Password::kPending, 2, test::DeliveryRig::body(43, "b@example.com"));
  }

  void aJobThatHasNotBegunReadsWhatComesMeanwhile() {
    apply(event());
    expect(Password::kPending, 1, event("Grace"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, refreshes());
  }

  void aJobThatHasBegunDoesNot() {
    apply(event());
    CPPUNIT_ASSERT_EQUAL(std::string(kPasswordJob), rig_.claim().kind);
    expect(Password::kPending, 1, event("Grace"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void aJobThatIsPutOffDoesNot() {
    apply(event());
    rig_.write([&](store::Transaction& tx) {
      Job job = *tx.findOpenJob(kPasswordJob, "42");
      job.dueAt = rig_.clock.now() + std::chrono::hours{1};
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    expect(Password::kPending, 1, event("Grace"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void theTagsOfTheBodyCover() {
    tagged({2});
    Delivery member = event();
    member.tagText = "Member";
    expect(Password::kNone, 0, member);
    Delivery gold = event();
    gold.tagText = "Gold, Member";
    expect(Password::kQueued, 1, gold);
  }

  void aTagEventCovers() {
    tagged({2});
    rig_.known(42, "a@example.com", {1});
    expect(Password::kNone, 0, event());
    expect(Password::kQueued, 1, tagEvent("contact_tag_added", "Gold"));
  }

  void aTagThatTheBodyTookAwayDoesNotCover() {
    tagged({2});
    rig_.known(42, "a@example.com", {1, 2});
    expect(Password::kNone, 0, tagEvent("contact_tag_removed", "Gold"));
  }

  void aTagWhoseNameIsUnknownDoesNotCoverYet() {
    tagged({2});
    Delivery delivery = event();
    delivery.tagText = "Gold, never heard of";
    expect(Password::kNone, 0, delivery);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void anUnchangedContactIsJudgedToo() {
    rig_.known(42, "a@example.com");
    expect(Password::kQueued, 1, event());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, rig_.contact(42)->version);
  }

  void theAutomationDialectGetsNoneByTheRule() {
    Delivery delivery = event();
    delivery.dialect = Delivery::Dialect::kAutomation;
    delivery.eventType = "";
    expect(Password::kNone, 0, delivery);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void anEventThatAsksItselfHasItsOwnJob() {
    options_.passwordRule.thenTags = {1};
    Delivery delivery = event();
    delivery.route = "mbr_genpass";
    delivery.followUp.password = true;
    delivery.followUp.tags = {2};
    expect(Password::kQueued, 1, delivery);
    const auto payload = readPasswordPayload(rig_.jobsOf(kPasswordJob)[0].payload);
    CPPUNIT_ASSERT(!payload->byRule);
    CPPUNIT_ASSERT(sameSteps(payload->steps, stepsOf({2}, {})));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, refreshes());
  }

  void aDeletedContactGetsNone() {
    rig_.known(42, "a@example.com");
    rig_.write([&](store::Transaction& tx) { rig_.updater.markDeleted(tx, 42); });
    expect(Password::kNone, 0, event("Grace"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, refreshes());
  }

  void whoIsNamedByOneKeyOnlyGetsNone() {
    rig_.known(42, "a@example.com");
    Delivery idOnly = event();
    idOnly.email.reset();
    expect(Password::kNone, 0, idOnly);
    Delivery emailOnly = event();
    emailOnly.contactId.reset();
    expect(Password::kNone, 0, emailOnly);
  }

  void ifTheStoreFailsNobodyGetsOne() {
    rig_.store.failAt(test::FailingStore::Step::kWork);
    CPPUNIT_ASSERT(!tryApply(event()).ok());
    CPPUNIT_ASSERT(rig_.jobs().empty());
    CPPUNIT_ASSERT_EQUAL(0, rig_.woken);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RuleOnEventsTest);

}  // namespace mbr::members
