#include "members/password_changer.h"

#include "members/rig.h"

namespace mbr::members {

using Wish = PasswordPayload::Wish;

class PasswordChangerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordChangerTest);
  CPPUNIT_TEST(generatingCommitsAJobAndNothingElse);
  CPPUNIT_TEST(whoHasAPasswordGetsNoOtherWithoutForce);
  CPPUNIT_TEST(aForcedOneIsAJobOfItsOwn);
  CPPUNIT_TEST(generatingTwiceIsOneJob);
  CPPUNIT_TEST(aContactThatIsGoneGetsNone);
  CPPUNIT_TEST(aChosenOneIsSlowInForceAtOnceAndSealedForActiveCampaign);
  CPPUNIT_TEST(settingEndsTheSessions);
  CPPUNIT_TEST(thePolicyIsAskedBeforeAnythingElse);
  CPPUNIT_TEST(theCurrentPasswordMustBeRight);
  CPPUNIT_TEST(whoHasNoneHasNoCurrentOne);
  CPPUNIT_TEST(aFullPoolIsBusy);
  CPPUNIT_TEST(aCommitThatFailsLeavesTheOldOneInForce);
  CPPUNIT_TEST(underAnotherPolicyThanKeepNothingIsSentOn);
  CPPUNIT_TEST(whoeverHoldsALinkSetsOneOnce);
  CPPUNIT_TEST(aTextThatMayBeNoPasswordDoesNotBurnTheLink);
  CPPUNIT_TEST(aLinkHasItsTime);
  CPPUNIT_TEST(anyNewPasswordBurnsAllLinks);
  CPPUNIT_TEST(theLinkOfAContactThatIsGoneIsNone);
  CPPUNIT_TEST(ofTwoAtOnceOneSetsIt);
  CPPUNIT_TEST(withoutAnAddressThereAreNoLinks);
  CPPUNIT_TEST(aPushedLinkIsAJobThatReplaces);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::MembersRig> rig_ = std::make_unique<test::MembersRig>();
  std::unique_ptr<passwords::HashPool> pool_ =
      std::make_unique<passwords::HashPool>(passwords::HashPool::Options{1, 1});
  int woken_ = 0;
  std::unique_ptr<PasswordChanger> changer_ = std::make_unique<PasswordChanger>(
      rig_->store, rig_->hasher, *pool_, rig_->sealer, rig_->clock, [this] { ++woken_; },
      PasswordChanger::Options{PasswordPolicy::kKeep, &rig_->links});

  void use(const PasswordChanger::Options& options) {
    changer_ = std::make_unique<PasswordChanger>(
        rig_->store, rig_->hasher, *pool_, rig_->sealer, rig_->clock, [this] { ++woken_; },
        options);
  }
  // The token of a new link.
  std::string link(ContactId contact = 42) {
    std::string url;
    rig_->write([&](store::Transaction& tx) { url = rig_->links.mint(tx, contact).url.reveal(); });
    return url.substr(url.find('=') + 1);
  }
  Result<JobId> setByLink(const std::string& token, const std::string& password) {
    std::promise<Result<JobId>> promise;
    changer_->setByLink(Secret(token), Secret(password),
                        [&](Result<JobId> job) { promise.set_value(std::move(job)); });
    auto job = promise.get_future();
    return test::resultOf(job);
  }
  void assertNoLink(const Result<JobId>& job) {
    CPPUNIT_ASSERT(!job && job.error().code == Code::kDenied);
  }

 public:
  void setUp() override { rig_->known(42, "a@example.com"); }
  void tearDown() override {
    pool_.reset();
    rig_.reset();
  }

 private:
  Result<JobId> generate(bool force, ContactId contact = 42) {
    std::promise<Result<JobId>> promise;
    changer_->generate(contact, "a@example.com", force,
                       [&](Result<JobId> job) { promise.set_value(std::move(job)); });
    auto job = promise.get_future();
    return test::resultOf(job);
  }
  Result<JobId> set(const std::string& password, const char* current = nullptr,
                    ContactId contact = 42) {
    std::promise<Result<JobId>> promise;
    PasswordChanger::Choice choice{contact, test::email("a@example.com"), Secret(password), {}};
    if (current != nullptr) choice.current = Secret(current);
    changer_->set(choice, [&](Result<JobId> job) { promise.set_value(std::move(job)); });
    auto job = promise.get_future();
    return test::resultOf(job);
  }
  void giveOld() {
    rig_->write([&](store::Transaction& tx) {
      tx.saveCredential(rig_->hasher.makeFast(42, Secret("the old one"),
                                              CredentialOrigin::kGenerated, rig_->clock.now()));
      tx.saveSession({"session", 42, "password", rig_->clock.now(), rig_->clock.now(),
                      rig_->clock.now() + std::chrono::hours{1}});
    });
  }
  bool hasSession() {
    return rig_->read(
        [](store::Reader& reader) { return reader.findSession("session").has_value(); });
  }
  PasswordPayload payloadOf(JobId id) {
    const auto job = rig_->job(id);
    CPPUNIT_ASSERT(job && job->kind == kPasswordJob && job->lane == Lane::kSite);
    const auto payload = readPasswordPayload(job->payload);
    CPPUNIT_ASSERT(payload.ok());
    return *payload;
  }

  void generatingCommitsAJobAndNothingElse() {
    const auto job = generate(false);
    CPPUNIT_ASSERT(job.ok());
    CPPUNIT_ASSERT(payloadOf(*job).wish == Wish::kNone && !payloadOf(*job).issued);
    CPPUNIT_ASSERT(rig_->job(*job)->sealed.empty() && !rig_->credential(42));
    CPPUNIT_ASSERT_EQUAL(1, woken_);
  }

  void whoHasAPasswordGetsNoOtherWithoutForce() {
    giveOld();
    const auto job = generate(false);
    CPPUNIT_ASSERT(!job && job.error().code == Code::kConflict);
    CPPUNIT_ASSERT(rig_->jobs().empty() && woken_ == 0);
  }

  void aForcedOneIsAJobOfItsOwn() {
    giveOld();
    const auto first = generate(true);
    const auto second = generate(true);
    CPPUNIT_ASSERT(first && second && *first != *second);
    CPPUNIT_ASSERT(payloadOf(*first).wish == Wish::kReplace);
    CPPUNIT_ASSERT_MESSAGE("the old one is in force until the job replaces it",
                           rig_->knows(42, "the old one") && hasSession());
  }

  void generatingTwiceIsOneJob() {
    const auto first = generate(false);
    const auto second = generate(false);
    CPPUNIT_ASSERT(first && second);
    CPPUNIT_ASSERT_EQUAL(*first, *second);
  }

  void aContactThatIsGoneGetsNone() {
    rig_->write([&](store::Transaction& tx) {
      Contact gone = *tx.findContact(42);
      gone.deletedAt = rig_->clock.now();
      tx.saveContact(gone);
    });
    for (const ContactId contact : {42, 99}) {
      CPPUNIT_ASSERT(generate(false, contact).error().code == Code::kNotFound);
      CPPUNIT_ASSERT(set("a fine password", nullptr, contact).error().code == Code::kNotFound);
    }
    CPPUNIT_ASSERT(rig_->jobs().empty() && !rig_->credential(42));
  }

  void aChosenOneIsSlowInForceAtOnceAndSealedForActiveCampaign() {
    const auto job = set("a fine password");
    CPPUNIT_ASSERT(job.ok());
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
    const Credential credential = *rig_->credential(42);
    CPPUNIT_ASSERT(credential.kind == CredentialKind::kSlow);
    CPPUNIT_ASSERT(credential.origin == CredentialOrigin::kSet);
    CPPUNIT_ASSERT(rig_->hasher.sourceEquals(credential.source, Secret("a fine password")));
    CPPUNIT_ASSERT(payloadOf(*job).wish == Wish::kChosen && payloadOf(*job).issued);
    const auto sealed = rig_->sealer.open(rig_->job(*job)->sealed, 42);
    CPPUNIT_ASSERT(sealed && sealed->equals("a fine password"));
    CPPUNIT_ASSERT(rig_->job(*job)->payload.find("fine") == std::string::npos);
  }

  void settingEndsTheSessions() {
    giveOld();
    CPPUNIT_ASSERT(hasSession());
    CPPUNIT_ASSERT(set("a fine password").ok());
    CPPUNIT_ASSERT(!hasSession() && !rig_->knows(42, "the old one"));
  }

  void thePolicyIsAskedBeforeAnythingElse() {
    for (const char* bad : {"short", "a@example.com", "A@Example.com", "1234567890", ""}) {
      const auto job = set(bad, "wrong");
      CPPUNIT_ASSERT_MESSAGE(bad, !job && job.error().code == Code::kInvalid);
      CPPUNIT_ASSERT(!job.error().detail.empty());
    }
    CPPUNIT_ASSERT(!rig_->credential(42));
  }

  void theCurrentPasswordMustBeRight() {
    giveOld();
    CPPUNIT_ASSERT(set("a fine password", "the new one").error().code == Code::kDenied);
    CPPUNIT_ASSERT(rig_->knows(42, "the old one") && hasSession());
    CPPUNIT_ASSERT(set("a fine password", "the old one").ok());
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
  }

  void whoHasNoneHasNoCurrentOne() {
    CPPUNIT_ASSERT(set("a fine password", "").error().code == Code::kDenied);
    CPPUNIT_ASSERT(!rig_->credential(42));
  }

  void aFullPoolIsBusy() {
    pool_->stop();
    const auto job = set("a fine password");
    CPPUNIT_ASSERT(!job && job.error().code == Code::kBusy && job.error().retryAfter);
  }

  void aCommitThatFailsLeavesTheOldOneInForce() {
    giveOld();
    rig_->store.failAt(test::FailingStore::Step::kWork);
    CPPUNIT_ASSERT(set("a fine password").error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(rig_->knows(42, "the old one") && rig_->jobs().empty());
  }

  void underAnotherPolicyThanKeepNothingIsSentOn() {
    for (const auto policy :
         {PasswordPolicy::kWipeAfter, PasswordPolicy::kWipeOnLogin, PasswordPolicy::kLink}) {
      use({policy, &rig_->links});
      const auto job = set("a fine password");
      CPPUNIT_ASSERT(job && rig_->knows(42, "a fine password"));
      CPPUNIT_ASSERT(rig_->credential(42)->source.empty());
      CPPUNIT_ASSERT(payloadOf(*job).wish == Wish::kCleared && rig_->job(*job)->sealed.empty());
    }
  }

  void whoeverHoldsALinkSetsOneOnce() {
    giveOld();
    const std::string token = link();
    CPPUNIT_ASSERT(setByLink(token, "a fine password").ok());
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password") && !hasSession());
    assertNoLink(setByLink(token, "another fine one"));
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
  }

  void aTextThatMayBeNoPasswordDoesNotBurnTheLink() {
    const std::string token = link();
    for (const char* bad : {"short", "a@example.com", "1234567890", ""}) {
      CPPUNIT_ASSERT(setByLink(token, bad).error().code == Code::kInvalid);
    }
    CPPUNIT_ASSERT(setByLink(token, "a fine password").ok());
  }

  void aLinkHasItsTime() {
    const std::string token = link();
    rig_->clock.advance(std::chrono::hours{7 * 24});
    assertNoLink(setByLink(token, "a fine password"));
    assertNoLink(setByLink("", "a fine password"));
    assertNoLink(setByLink(std::string(43, 'x'), "a fine password"));
  }

  void anyNewPasswordBurnsAllLinks() {
    const std::string first = link();
    const std::string second = link();
    CPPUNIT_ASSERT(set("a fine password").ok());
    assertNoLink(setByLink(first, "another fine one"));
    assertNoLink(setByLink(second, "another fine one"));
  }

  void theLinkOfAContactThatIsGoneIsNone() {
    const std::string token = link();
    rig_->write([&](store::Transaction& tx) {
      Contact gone = *tx.findContact(42);
      gone.deletedAt = rig_->clock.now();
      tx.saveContact(gone);
    });
    assertNoLink(setByLink(token, "a fine password"));
  }

  void ofTwoAtOnceOneSetsIt() {
    const std::string token = link();
    std::promise<Result<JobId>> promises[2];
    for (auto& promise : promises) {
      changer_->setByLink(Secret(token), Secret("a fine password"),
                          [&](Result<JobId> job) { promise.set_value(std::move(job)); });
    }
    auto first = promises[0].get_future();
    auto second = promises[1].get_future();
    // The pool has room for one that waits, so the second may be busy as well.
    const bool both = test::resultOf(first).ok() && test::resultOf(second).ok();
    CPPUNIT_ASSERT(!both);
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
  }

  void withoutAnAddressThereAreNoLinks() {
    use({});
    std::promise<Result<PasswordLinks::Link>> promise;
    changer_->makeLink(42, [&](auto made) { promise.set_value(std::move(made)); });
    auto made = promise.get_future();
    CPPUNIT_ASSERT(test::resultOf(made).error().code == Code::kConflict);
    assertNoLink(setByLink(link(), "a fine password"));
  }

  void aPushedLinkIsAJobThatReplaces() {
    std::promise<Result<JobId>> promise;
    changer_->pushLink(42, "a@example.com", [&](auto job) { promise.set_value(std::move(job)); });
    auto pushed = promise.get_future();
    const auto job = test::resultOf(pushed);
    CPPUNIT_ASSERT(job && payloadOf(*job).wish == Wish::kLink);
    CPPUNIT_ASSERT(rig_->job(*job)->key.empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordChangerTest);

}  // namespace mbr::members
