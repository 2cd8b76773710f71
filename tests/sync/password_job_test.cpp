#include "sync/rig.h"

namespace mbr::sync {

using members::PasswordPayload;
using members::Step;
using Lines = std::vector<std::string>;

class PasswordJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordJobTest);
  CPPUNIT_TEST(aPasswordIsWrittenThenConfirmedThenTagsThenAutomations);
  CPPUNIT_TEST(theIssuedPasswordLetsTheMemberIn);
  CPPUNIT_TEST(theReadThatPrecedesTheWriteIsInTheCacheAsWell);
  CPPUNIT_TEST(anExistingPasswordStaysAndTheStepsAreAppliedAllTheSame);
  CPPUNIT_TEST(theDefaultPasswordIsWrittenAsItIs);
  CPPUNIT_TEST(aDefaultPasswordThatNoLongerOpensIsReplacedByAGeneratedOne);
  CPPUNIT_TEST(withoutAutoregisterNoCredentialIsMade);
  CPPUNIT_TEST(anAnswerWithEntitiesConfirms);
  CPPUNIT_TEST(anAnswerWithoutTheFieldIsReadBack);
  CPPUNIT_TEST(aWriteThatTheReadBackDoesNotShowIsTriedAgain);
  CPPUNIT_TEST(aPasswordOfSomebodyElseThatTheReadBackShowsIsAdopted);
  CPPUNIT_TEST(aPasswordOfSomebodyElseThatARetryFindsIsAdopted);
  CPPUNIT_TEST(aContactThatIsGoneEndsTheJobAndIsMarkedDeleted);
  CPPUNIT_TEST(aContactNamedByEmailIsHandedOverToAJobUnderItsId);
  CPPUNIT_TEST(theDefaultPasswordIsHandedOverToo);
  CPPUNIT_TEST(aMergedContactGetsItsPasswordUnderTheIdThatIsLeft);
  CPPUNIT_TEST(aHandOverToAContactWithAnOpenJobLeavesItsStepsToAFollowUp);
  CPPUNIT_TEST(aMissingPasswordFieldIsCreatedWithItsRelation);
  CPPUNIT_TEST(valuesOfFieldsThatNoDirectoryKnowsDoNotStopAPassword);
  CPPUNIT_TEST(aCredentialThatChangedWhileItWasReadIsReadAgain);
  CPPUNIT_TEST(onceTheMemberHasChosenOneNoneIsIssuedOrAdopted);
  CPPUNIT_TEST(underWipeAnEmptyFieldOfAMemberIsLeftEmpty);
  CPPUNIT_TEST(aRefusedTagDoesNotKeepTheOthersFromBeingApplied);
  CPPUNIT_TEST(aClosedAutomationIsRefusedInTheAccountsWords);
  CPPUNIT_TEST(tagsOfStepsAreInTheCacheOnceTheyAreCommitted);
  CPPUNIT_TEST(aTagWhoseCommitFailedIsAppliedAgainAndReachesTheCache);
  CPPUNIT_TEST(aFollowUpRunsAfterThePasswordJob);
  CPPUNIT_TEST(aFollowUpOfAHandedOverJobWaitsForThePassword);
  CPPUNIT_TEST(aFollowUpOfAMergedContactGoesToTheIdThatIsLeft);
  CPPUNIT_TEST(aForeignPayloadEndsTheJob);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  void expectGood(const Job& job) {
    CPPUNIT_ASSERT_EQUAL(std::string("done"), std::string(toString(job.state)));
    CPPUNIT_ASSERT(job.sealed.empty());
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
  }

  void aPasswordIsWrittenThenConfirmedThenTagsThenAutomations() {
    rig_.fillDirectories();
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    const Lines expected{"GET contacts/42",  "PUT contacts/42",         "POST contactTags",
                         "POST contactTags", "POST contactAutomations", "POST contactAutomations"};
    CPPUNIT_ASSERT(rig_.account.log() == expected);
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig_.password().size());
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
  }

  void theIssuedPasswordLetsTheMemberIn() {
    rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
    const Credential credential = *rig_.credential(42);
    CPPUNIT_ASSERT(credential.kind == CredentialKind::kFast);
    CPPUNIT_ASSERT(credential.origin == CredentialOrigin::kGenerated);
    CPPUNIT_ASSERT(rig_.hasher.sourceEquals(credential.source, Secret(rig_.password())));
  }

  void theReadThatPrecedesTheWriteIsInTheCacheAsWell() {
    rig_.fillDirectories();
    rig_.account.people[42].fields[6] = "Turin";
    rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT(contact.confirmed);
    CPPUNIT_ASSERT_EQUAL(std::string("Turin"), contact.fields.at("CITY"));
    CPPUNIT_ASSERT(contact.fields.count("PASSWORD") == 0);
  }

  void anExistingPasswordStaysAndTheStepsAreAppliedAllTheSame() {
    rig_.account.people[42].fields[3] = "theirs!";
    const Job job = rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    expectGood(job);
    CPPUNIT_ASSERT_EQUAL(std::string("theirs!"), rig_.password());
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("PUT"));
    CPPUNIT_ASSERT(rig_.knows(42, "theirs!"));
    CPPUNIT_ASSERT(rig_.credential(42)->origin == CredentialOrigin::kAdopted);
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
  }

  void theDefaultPasswordIsWrittenAsItIs() {
    PasswordPayload payload = rig_.wanted(42);
    payload.hasDefault = true;
    const std::string sealed = rig_.sealer.seal(Secret("w&lcome <1>"), 0);
    expectGood(rig_.finish(rig_.addPasswordJob(payload, sealed)));
    CPPUNIT_ASSERT_EQUAL(std::string("w&lcome <1>"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "w&lcome <1>"));
    CPPUNIT_ASSERT(rig_.credential(42)->origin == CredentialOrigin::kDefault);
  }

  void aDefaultPasswordThatNoLongerOpensIsReplacedByAGeneratedOne() {
    PasswordPayload payload = rig_.wanted(42);
    payload.hasDefault = true;
    expectGood(rig_.finish(rig_.addPasswordJob(payload, "k9:of a key that is gone")));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig_.password().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void withoutAutoregisterNoCredentialIsMade() {
    PasswordPayload payload = rig_.wanted(42);
    payload.autoregister = false;
    expectGood(rig_.finish(rig_.addPasswordJob(payload)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig_.password().size());
    CPPUNIT_ASSERT(!rig_.credential(42));
  }

  void anAnswerWithEntitiesConfirms() {
    rig_.account.entities = true;
    PasswordPayload payload = rig_.wanted(42);
    payload.hasDefault = true;
    expectGood(rig_.finish(rig_.addPasswordJob(payload, rig_.sealer.seal(Secret("a<b&c"), 0))));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("PUT"));
    CPPUNIT_ASSERT(rig_.knows(42, "a<b&c"));
  }

  void anAnswerWithoutTheFieldIsReadBack() {
    rig_.fillDirectories();
    rig_.account.echo = false;
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    const Lines log = rig_.account.log();
    CPPUNIT_ASSERT_EQUAL(std::string("PUT contacts/42"), log[1]);
    CPPUNIT_ASSERT_EQUAL(std::string("GET contacts/42"), log[2]);
    CPPUNIT_ASSERT_EQUAL(std::string("POST contactTags"), log[3]);
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void aWriteThatTheReadBackDoesNotShowIsTriedAgain() {
    rig_.account.answerOnce("PUT contacts/42", 200, R"({"contact":{"id":"42"}})");
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("PUT"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.account.written().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void aPasswordOfSomebodyElseThatTheReadBackShowsIsAdopted() {
    rig_.fillDirectories();
    rig_.account.echo = false;
    rig_.account.before("PUT contacts/42", [this] {
      rig_.account.before("GET contacts/42",
                          [this] { rig_.account.people[42].fields[3] = "somebody else's"; });
    });
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT_EQUAL(std::string("somebody else's"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "somebody else's"));
    CPPUNIT_ASSERT(!rig_.knows(42, rig_.account.written().front()));
  }

  void aPasswordOfSomebodyElseThatARetryFindsIsAdopted() {
    const JobId id = rig_.addPasswordJob(rig_.wanted(42));
    rig_.account.before("PUT contacts/42", [this] {
      rig_.account.failFrom(1, test::FakeAccount::Fault::kRequestLost);
    });
    rig_.runAndDie(id);
    CPPUNIT_ASSERT(members::readPasswordPayload(rig_.job(id)->payload)->issued);
    rig_.account.heal();
    rig_.account.people[42].fields[3] = "quicker than us";
    rig_.passLease();
    expectGood(rig_.finish(id));
    CPPUNIT_ASSERT(rig_.account.written().empty());
    CPPUNIT_ASSERT(rig_.knows(42, "quicker than us"));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
  }

  void aContactThatIsGoneEndsTheJobAndIsMarkedDeleted() {
    rig_.known(42, "a@example.com");
    rig_.account.people.clear();
    const Job job = rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    CPPUNIT_ASSERT(job.state == JobState::kDead);
    CPPUNIT_ASSERT(rig_.contact(42)->deletedAt.has_value());
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("POST"));
  }

  void aContactNamedByEmailIsHandedOverToAJobUnderItsId() {
    PasswordPayload payload = rig_.wanted(42);
    payload.contactId.reset();
    const Job first = rig_.finish(rig_.addPasswordJob(payload));
    CPPUNIT_ASSERT(first.state == JobState::kDone);
    rig_.finishAll();
    const std::vector<Job> jobs = rig_.jobs();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(std::string("42"), jobs[1].key);
    expectGood(jobs[1]);
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
  }

  void theDefaultPasswordIsHandedOverToo() {
    PasswordPayload payload = rig_.wanted(42);
    payload.contactId.reset();
    payload.hasDefault = true;
    rig_.finish(rig_.addPasswordJob(payload, rig_.sealer.seal(Secret("welcome"), 0)));
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::string("welcome"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "welcome"));
    for (const Job& job : rig_.jobs()) CPPUNIT_ASSERT(job.sealed.empty());
  }

  void aMergedContactGetsItsPasswordUnderTheIdThatIsLeft() {
    rig_.known(41, "a@example.com");
    PasswordPayload payload = rig_.wanted(41);
    rig_.finish(rig_.addPasswordJob(payload));
    rig_.finishAll();
    CPPUNIT_ASSERT(rig_.contact(41)->deletedAt.has_value());
    CPPUNIT_ASSERT(rig_.contact(42)->email == Email::parse("a@example.com"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.account.written().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
  }

  void aHandOverToAContactWithAnOpenJobLeavesItsStepsToAFollowUp() {
    PasswordPayload byEmail = rig_.wanted(42);
    byEmail.contactId.reset();
    byEmail.steps = members::stepsOf({2}, {6});
    PasswordPayload byId = rig_.wanted(42);
    byId.steps = members::stepsOf({1}, {5});
    rig_.addPasswordJob(byEmail);
    rig_.addPasswordJob(byId);
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.account.written().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
  }

  void aMissingPasswordFieldIsCreatedWithItsRelation() {
    rig_.account.fields = {{6, "CITY"}};
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST fields"));
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST fieldRels"));
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void valuesOfFieldsThatNoDirectoryKnowsDoNotStopAPassword() {
    rig_.fillDirectories();
    rig_.account.people[42].fields[77] = "left over from a field that was removed";
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig_.password().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void aCredentialThatChangedWhileItWasReadIsReadAgain() {
    rig_.fillDirectories();
    rig_.account.before("GET contacts/42", [this] {
      rig_.clock.advance(Milliseconds{1});
      rig_.write([this](store::Transaction& tx) {
        tx.saveCredential(rig_.hasher.makeSlow(42, Secret("found just now"),
                                               CredentialOrigin::kAdopted, rig_.clock.now()));
      });
      rig_.account.people[42].fields[3] = "found just now";
    });
    rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    CPPUNIT_ASSERT(rig_.account.written().empty());
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("GET contacts/42"));
    CPPUNIT_ASSERT(rig_.knows(42, "found just now"));
  }

  void onceTheMemberHasChosenOneNoneIsIssuedOrAdopted() {
    rig_.fillDirectories();
    rig_.account.before("GET contacts/42", [this] {
      rig_.clock.advance(Milliseconds{1});
      rig_.write([this](store::Transaction& tx) {
        tx.saveCredential(rig_.hasher.makeSlow(42, Secret("chosen just now"),
                                               CredentialOrigin::kSet, rig_.clock.now()));
      });
      rig_.account.people[42].fields[3] = "found just now";
    });
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT(rig_.account.written().empty());
    CPPUNIT_ASSERT(rig_.knows(42, "chosen just now"));
  }

  void underWipeAnEmptyFieldOfAMemberIsLeftEmpty() {
    test::SyncRig rig(PasswordPolicy::kWipeOnLogin);
    rig.write([&](store::Transaction& tx) {
      tx.saveCredential(rig.hasher.makeSlow(42, Secret("theirs"), CredentialOrigin::kAdopted,
                                            rig.clock.now() - Milliseconds{1}));
    });
    const Job job = rig.finish(rig.addPasswordJob(rig.wanted(42)));
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(rig.account.written().empty());
    CPPUNIT_ASSERT(rig.knows(42, "theirs"));
    CPPUNIT_ASSERT_EQUAL(1, rig.entries(5));
  }

  void aRefusedTagDoesNotKeepTheOthersFromBeingApplied() {
    PasswordPayload payload = rig_.wanted(42);
    payload.steps = members::stepsOf({77, 2}, {5});
    const Job job = rig_.finish(rig_.addPasswordJob(payload));
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(job.reason.find("tag 77") != std::string::npos);
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({2}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(5));
    const auto results = json::parse(job.result);
    CPPUNIT_ASSERT(results.ok());
    const json::Array& rows = *results->asArray();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rows.size());
    CPPUNIT_ASSERT_EQUAL(std::string("refused"), rows[0]["result"].textOr(""));
    CPPUNIT_ASSERT_EQUAL(std::string("applied"), rows[1]["result"].textOr(""));
  }

  void aClosedAutomationIsRefusedInTheAccountsWords() {
    rig_.account.closed = {5};
    const Job job = rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    CPPUNIT_ASSERT(job.state == JobState::kRefused);
    CPPUNIT_ASSERT(job.reason.find("SubscriberSeries") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
  }

  void tagsOfStepsAreInTheCacheOnceTheyAreCommitted() {
    rig_.finish(rig_.addPasswordJob(rig_.wanted(42)));
    CPPUNIT_ASSERT((*rig_.cache.findById(42))->contact.tags == std::vector<TagId>({1, 2}));
  }

  void aTagWhoseCommitFailedIsAppliedAgainAndReachesTheCache() {
    // The store fails once right after the tag is in the account, and works again when the
    // dispatcher puts the job back.
    rig_.account.before("POST contactTags", [this] {
      // The call's own turn in the budget is taken already.
      rig_.store.failAt(test::FailingStore::Step::kWork);
    });
    expectGood(rig_.finish(rig_.addPasswordJob(rig_.wanted(42))));
    CPPUNIT_ASSERT_EQUAL(1, rig_.store.failed());
    CPPUNIT_ASSERT_EQUAL(3, rig_.account.count("POST contactTags"));
    CPPUNIT_ASSERT((*rig_.cache.findById(42))->contact.tags == std::vector<TagId>({1, 2}));
  }

  JobId addFollowUp(JobId after, const PasswordPayload& payload) {
    JobId id = 0;
    rig_.write([&](store::Transaction& tx) { id = members::enqueueFollowUp(tx, after, payload); });
    return id;
  }

  void aFollowUpRunsAfterThePasswordJob() {
    PasswordPayload first = rig_.wanted(42);
    first.steps = members::stepsOf({1}, {});
    PasswordPayload more = rig_.wanted(42);
    more.steps = members::stepsOf({2}, {6});
    const JobId id = rig_.addPasswordJob(first);
    const Job job = rig_.finish(addFollowUp(id, more));
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(rig_.job(id)->state == JobState::kDone);
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
    CPPUNIT_ASSERT((*rig_.cache.findById(42))->contact.tags == std::vector<TagId>({1, 2}));
  }

  void aFollowUpOfAHandedOverJobWaitsForThePassword() {
    PasswordPayload first = rig_.wanted(42);
    first.contactId.reset();
    first.steps = members::stepsOf({1}, {});
    PasswordPayload more = first;
    more.steps = members::stepsOf({2}, {6});
    const JobId id = rig_.addPasswordJob(first);
    const JobId followUp = addFollowUp(id, more);
    // The write of the password is slow: whoever does not wait for it comes first.
    rig_.account.before("PUT contacts/42", [this] {
      const std::uint64_t seen = rig_.changeCount();
      rig_.awaitChange(seen, Milliseconds{300});
    });
    CPPUNIT_ASSERT(rig_.finish(followUp).state == JobState::kDone);
    rig_.finishAll();
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
    CPPUNIT_ASSERT(rig_.tagsInAccount() == std::vector<TagId>({1, 2}));
  }

  void aFollowUpOfAMergedContactGoesToTheIdThatIsLeft() {
    rig_.known(41, "a@example.com");
    PasswordPayload first = rig_.wanted(41);
    first.steps = members::stepsOf({1}, {});
    PasswordPayload more = rig_.wanted(41);
    more.steps = members::stepsOf({2}, {6});
    const JobId followUp = addFollowUp(rig_.addPasswordJob(first), more);
    const Job job = rig_.finish(followUp);
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::string(), job.reason);
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT(!rig_.account.stepBeforePassword());
    CPPUNIT_ASSERT_EQUAL(1, rig_.entries(6));
  }

  void aForeignPayloadEndsTheJob() {
    Job job;
    job.kind = members::kPasswordJob;
    job.payload = "[1]";
    CPPUNIT_ASSERT(rig_.finish(rig_.addJob(job)).state == JobState::kDead);
    job.kind = members::kFollowUpJob;
    CPPUNIT_ASSERT(rig_.finish(rig_.addJob(job)).state == JobState::kDead);
    job.kind = members::kChangeJob;
    CPPUNIT_ASSERT(rig_.finish(rig_.addJob(job)).state == JobState::kDead);
    job.kind = members::kRefreshJob;
    job.payload = "{}";
    CPPUNIT_ASSERT(rig_.finish(rig_.addJob(job)).state == JobState::kDead);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PasswordJobTest);

}  // namespace mbr::sync
