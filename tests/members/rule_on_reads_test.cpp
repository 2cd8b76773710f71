#include "members/rig.h"

namespace mbr::members {

using namespace std::chrono_literals;

// Whom a read of ActiveCampaign gives a password by PasswordRule.
class RuleOnReadsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RuleOnReadsTest);
  CPPUNIT_TEST(aCoveredContactGetsAPasswordJobWithTheStepsOfTheRule);
  CPPUNIT_TEST(withoutARuleNobodyGetsOne);
  CPPUNIT_TEST(aContactThatWasNotTouchedSinceTheInstallationGetsNone);
  CPPUNIT_TEST(eitherStampSuffices);
  CPPUNIT_TEST(stampsOfWholeSecondsAreToleratedByOne);
  CPPUNIT_TEST(aContactWithoutStampsGetsNone);
  CPPUNIT_TEST(aFieldThatHoldsAPasswordGetsNone);
  CPPUNIT_TEST(aFieldThatWasNotSeenSaysNothing);
  CPPUNIT_TEST(tagsThatWereNotSeenSayNothing);
  CPPUNIT_TEST(aContactWithoutAnEmailGetsNone);
  CPPUNIT_TEST(aTagOfTheRuleCovers);
  CPPUNIT_TEST(theOrderInWhichTagsAreShownMakesNoDifference);
  CPPUNIT_TEST(aTagThatOnlyWeKnowOfDoesNotCover);
  CPPUNIT_TEST(aReadThatShowsNothingNewIsJudgedToo);
  CPPUNIT_TEST(nobodyGetsTwo);
  CPPUNIT_TEST(aJobThatIsUnderWayIsEnough);
  CPPUNIT_TEST(onceThePasswordIsThereNobodyGetsAnother);
  CPPUNIT_TEST(theJobThatReadsIsNotGivenAnother);
  CPPUNIT_TEST(aFieldThatWasEmptiedUnderKeepIsFilledAgain);
  CPPUNIT_TEST(aFieldThatWeEmptiedOurselvesIsNot);
  CPPUNIT_TEST(aReadOfBeforeTheCredentialSaysNothing);
  CPPUNIT_TEST(aReadThatIsNotTakenInGivesNone);
  CPPUNIT_TEST_SUITE_END();

  using Who = PasswordRule::Who;

  std::unique_ptr<test::MembersRig> rig_ = std::make_unique<test::MembersRig>();
  Instant installed_ = rig_->clock.now();
  PasswordRule rule_{Who::kAll, {}, {}, {}};

  // Touched just now, the field seen and empty.
  ContactSnapshot snapshot(std::vector<TagId> tags = {}) {
    rig_->clock.advance(5s);
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = test::email("a@example.com");
    snapshot.fields.emplace();
    snapshot.tags = std::move(tags);
    snapshot.lists.emplace();
    snapshot.createdAt = installed_ - 24h;
    snapshot.updatedAt = rig_->clock.now() - 1s;
    snapshot.password = Secret("");
    snapshot.sentAt = rig_->clock.now();
    return snapshot;
  }
  void apply(const ContactSnapshot& snapshot, bool openPasswordJob = false) {
    const ContactUpdater updater(rig_->issuer, rig_->clock, {rule_, installed_});
    rig_->write(
        [&](store::Transaction& tx) { updater.applySnapshot(tx, snapshot, openPasswordJob); });
  }
  std::size_t passwordJobs() {
    const auto jobs = rig_->jobs();
    return static_cast<std::size_t>(std::count_if(
        jobs.begin(), jobs.end(), [](const Job& job) { return job.kind == kPasswordJob; }));
  }
  void expectJobs(std::size_t count, const ContactSnapshot& snapshot) {
    apply(snapshot);
    CPPUNIT_ASSERT_EQUAL(count, passwordJobs());
  }
  void tagged(std::vector<TagId> tags) {
    rule_.who = Who::kTagged;
    rule_.tags = std::move(tags);
  }
  void endOpenJob() {
    rig_->write([&](store::Transaction& tx) {
      Job job = *tx.findOpenJob(kPasswordJob, "42");
      job.state = JobState::kDone;
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
  }
  void saveCredential(const char* text) {
    rig_->write([&](store::Transaction& tx) {
      Credential credential =
          rig_->hasher.makeFast(42, Secret(text), CredentialOrigin::kGenerated, rig_->clock.now());
      credential.source = rig_->hasher.sourceDigest(Secret(text));
      tx.saveCredential(credential);
    });
  }

  void aCoveredContactGetsAPasswordJobWithTheStepsOfTheRule() {
    rule_.thenTags = {2};
    rule_.thenAutomations = {5};
    apply(snapshot());
    const auto job = rig_->openJob(kPasswordJob, "42");
    CPPUNIT_ASSERT(job.has_value());
    CPPUNIT_ASSERT(job->state == JobState::kQueued);
    CPPUNIT_ASSERT(job->lane == Lane::kPassword);
    CPPUNIT_ASSERT(job->contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(job->dueAt == rig_->clock.now());
    CPPUNIT_ASSERT(job->sealed.empty());
    const auto payload = readPasswordPayload(job->payload);
    CPPUNIT_ASSERT(payload->byRule && payload->autoregister);
    CPPUNIT_ASSERT(!payload->hasDefault && !payload->issued && !payload->singly);
    CPPUNIT_ASSERT_EQUAL(std::string("a@example.com"), payload->email);
    CPPUNIT_ASSERT(payload->contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(sameSteps(payload->steps, stepsOf({2}, {5})));
    // The job is the one to issue it.
    CPPUNIT_ASSERT(!rig_->credential(42));
  }

  void withoutARuleNobodyGetsOne() {
    rule_.who = Who::kNone;
    expectJobs(0, snapshot());
  }

  void aContactThatWasNotTouchedSinceTheInstallationGetsNone() {
    ContactSnapshot old = snapshot();
    old.updatedAt = installed_ - 1h;
    expectJobs(0, old);
    expectJobs(1, snapshot());
  }

  void eitherStampSuffices() {
    ContactSnapshot created = snapshot();
    created.createdAt = created.updatedAt;
    created.updatedAt.reset();
    expectJobs(1, created);
  }

  void stampsOfWholeSecondsAreToleratedByOne() {
    ContactSnapshot early = snapshot();
    early.updatedAt = installed_ - 1s;
    expectJobs(0, early);
    ContactSnapshot same = snapshot();
    same.updatedAt = installed_ - 999ms;
    expectJobs(1, same);
  }

  void aContactWithoutStampsGetsNone() {
    ContactSnapshot bare = snapshot();
    bare.createdAt.reset();
    bare.updatedAt.reset();
    expectJobs(0, bare);
  }

  void aFieldThatHoldsAPasswordGetsNone() {
    ContactSnapshot full = snapshot();
    full.password = Secret("theirs");
    expectJobs(0, full);
    CPPUNIT_ASSERT(rig_->knows(42, "theirs"));
  }

  void aFieldThatWasNotSeenSaysNothing() {
    ContactSnapshot part = snapshot();
    part.password.reset();
    expectJobs(0, part);
  }

  void tagsThatWereNotSeenSayNothing() {
    ContactSnapshot part = snapshot();
    part.tags.reset();
    expectJobs(0, part);
    tagged({1});
    rig_->known(42, "a@example.com", {1});
    ContactSnapshot again = snapshot();
    again.tags.reset();
    expectJobs(0, again);
  }

  void aContactWithoutAnEmailGetsNone() {
    ContactSnapshot nameless = snapshot();
    nameless.email.reset();
    expectJobs(0, nameless);
  }

  void aTagOfTheRuleCovers() {
    tagged({2, 3});
    expectJobs(0, snapshot({1}));
    expectJobs(1, snapshot({1, 3}));
  }

  void theOrderInWhichTagsAreShownMakesNoDifference() {
    tagged({1});
    expectJobs(1, snapshot({3, 2, 1}));
  }

  // Such a tag may have been refused, or be taken away again by now.
  void aTagThatOnlyWeKnowOfDoesNotCover() {
    tagged({2});
    const ContactSnapshot first = snapshot();
    apply(first);
    ContactSnapshot second = snapshot();
    rig_->write([&](store::Transaction& tx) {
      Contact contact = *tx.findContact(42);
      contact.ownChanges.push_back({OwnChange::Kind::kTagAdded, 2, {}, {}, second.sentAt});
      tx.saveContact(contact);
    });
    apply(second);
    CPPUNIT_ASSERT(rig_->contact(42)->hasTag(2));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, passwordJobs());
  }

  void aReadThatShowsNothingNewIsJudgedToo() {
    rule_.who = Who::kNone;
    apply(snapshot());
    rule_.who = Who::kAll;
    expectJobs(1, snapshot());
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, rig_->contact(42)->version);
  }

  void nobodyGetsTwo() {
    expectJobs(1, snapshot());
    expectJobs(1, snapshot());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->jobs().size());
  }

  void aJobThatIsUnderWayIsEnough() {
    apply(snapshot());
    rig_->write([&](store::Transaction& tx) {
      CPPUNIT_ASSERT_EQUAL(std::size_t{1},
                           tx.claimJobs(1, Lane::kBackfill, rig_->clock.now() + 2min).size());
    });
    expectJobs(1, snapshot());
  }

  void onceThePasswordIsThereNobodyGetsAnother() {
    apply(snapshot());
    saveCredential("issued");
    endOpenJob();
    ContactSnapshot after = snapshot();
    after.password = Secret("issued");
    expectJobs(1, after);
    CPPUNIT_ASSERT(rig_->knows(42, "issued"));
  }

  void theJobThatReadsIsNotGivenAnother() {
    apply(snapshot(), true);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, passwordJobs());
    CPPUNIT_ASSERT(rig_->contact(42).has_value());
  }

  void aFieldThatWasEmptiedUnderKeepIsFilledAgain() {
    saveCredential("before");
    expectJobs(1, snapshot());
    // Until the job has issued one, the old one is good.
    CPPUNIT_ASSERT(rig_->knows(42, "before"));
  }

  void aFieldThatWeEmptiedOurselvesIsNot() {
    for (const auto policy :
         {PasswordPolicy::kWipeAfter, PasswordPolicy::kWipeOnLogin, PasswordPolicy::kLink}) {
      rig_ = std::make_unique<test::MembersRig>(policy);
      installed_ = rig_->clock.now();
      saveCredential("before");
      expectJobs(0, snapshot());
      rig_->write([](store::Transaction& tx) { tx.deleteCredential(42); });
      expectJobs(1, snapshot());
    }
  }

  void aReadOfBeforeTheCredentialSaysNothing() {
    const ContactSnapshot early = snapshot();
    rig_->clock.advance(1ms);
    saveCredential("newer");
    expectJobs(0, early);
    CPPUNIT_ASSERT(rig_->knows(42, "newer"));
  }

  void aReadThatIsNotTakenInGivesNone() {
    const ContactSnapshot early = snapshot();
    rig_->clock.advance(1ms);
    rig_->known(42, "a@example.com");
    expectJobs(0, early);
    CPPUNIT_ASSERT(rig_->openJob(kRefreshJob, "42").has_value());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(RuleOnReadsTest);

}  // namespace mbr::members
