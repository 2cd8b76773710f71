#include "sync/password_batch.h"

#include "base/time_format.h"
#include "sync/captured_log.h"
#include "sync/import_pace.h"
#include "sync/rig.h"

namespace mbr::sync {

using namespace std::chrono_literals;
using Fault = test::FakeAccount::Fault;
using FailAt = test::FailingStore::Step;
using Lines = std::vector<std::string>;
using members::PasswordPayload;
using outbox::Verdict;

class PasswordBatchTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordBatchTest);
  CPPUNIT_TEST(manyPasswordsAreFiveRequests);
  CPPUNIT_TEST(moreThanAnImportHoldsAreSeveral);
  CPPUNIT_TEST(anIssuedPasswordIsNotTakenForSomebodyElses);
  CPPUNIT_TEST(whoMayJoin);
  CPPUNIT_TEST(aFilledFieldIsAdoptedAndItsTagsAreApplied);
  CPPUNIT_TEST(whatIsWrittenMeanwhileBySomebodyElseIsAdopted);
  CPPUNIT_TEST(withoutAutoregisterNoCredentialIsMade);
  CPPUNIT_TEST(theDefaultPasswordIsWrittenAsItIs);
  CPPUNIT_TEST(stepsOfTheRuleFollowAnIssuedPasswordOnly);
  CPPUNIT_TEST(whomTheRuleCoversNoMoreGetsNothing);
  CPPUNIT_TEST(aCredentialThatChangedWhileItWasReadIsReadAgain);
  CPPUNIT_TEST(whomTheImporterSkipsGoesSinglyWithTheReason);
  CPPUNIT_TEST(aFewWhomTheImporterSkipsGoSinglyAtOnce);
  CPPUNIT_TEST(whomTheImportOfTagsSkipsGetsThemSingly);
  CPPUNIT_TEST(anImportThatTakesItsTimeIsAwaited);
  CPPUNIT_TEST(anImportThatNeverEndsIsGivenUpOn);
  CPPUNIT_TEST(anImportOfTagsThatNeverEndsIsGivenUpOn);
  CPPUNIT_TEST(anImportThatEndsAfterAllDoesNoHarm);
  CPPUNIT_TEST(anImportThatCannotBeAskedAboutIsGivenUpOn);
  CPPUNIT_TEST(aRefusedImportGoesSinglyInTheAccountsWords);
  CPPUNIT_TEST(theImportersLimitIsWaitedFor);
  CPPUNIT_TEST(ourOwnPaceIsWaitedFor);
  CPPUNIT_TEST(whomThePageDoesNotShowGoesSingly);
  CPPUNIT_TEST(withoutPartsAllGoSingly);
  CPPUNIT_TEST(automationsAreStartedSinglyAfterTheTags);
  CPPUNIT_TEST(aRenamedTagIsNotMadeAnew);
  CPPUNIT_TEST(namesThatAreFreshAreNotAskedFor);
  CPPUNIT_TEST(aTagThatIsGoneIsRefusedSingly);
  CPPUNIT_TEST(aStopLeavesTheJobsWithWhatTheyReached);
  CPPUNIT_TEST(aJobThatIsNoLongerOursIsLeftAlone);
  CPPUNIT_TEST(noPasswordIsInAPayloadOrInTheLog);
  CPPUNIT_TEST(aProcessThatDiesBeforeAnyRequestLeavesJobsThatEndWell);
  CPPUNIT_TEST(aProcessThatDiesAfterAnyRequestLeavesJobsThatEndWell);
  CPPUNIT_TEST(aProcessThatDiesAtAnyWriteOfTheStoreLeavesJobsThatEndWell);
  CPPUNIT_TEST(aWriteOfTheStoreThatFailsOnceDoesNoHarm);
  CPPUNIT_TEST_SUITE_END();

  static constexpr ContactId kFirst = 101;
  static constexpr int kFew = 12;

  static std::string mailOf(ContactId id) { return "m" + std::to_string(id) + "@example.com"; }
  static std::string text(int number) { return std::to_string(number); }

  using Change = std::function<void(ContactId, PasswordPayload&)>;
  // People kFirst.. with a password job each: then tags 1 and 2.
  static void prepare(test::SyncRig& rig, int count, const Change& change = {}) {
    rig.fillDirectories();
    rig.write([&](store::Transaction& tx) {
      tx.setMeta(contacts::kDirectoriesFetched, formatRfc3339(tx.now()));
      for (ContactId id = kFirst; id < kFirst + count; ++id) {
        rig.account.people[id] = {mailOf(id), "Ada", {}, {}, {}};
        PasswordPayload payload;
        payload.contactId = id;
        payload.email = mailOf(id);
        payload.steps = members::stepsOf({1, 2}, {});
        if (change) change(id, payload);
        const std::string sealed = payload.hasDefault ? rig.sealer.seal(Secret("welcome"), 0) : "";
        members::enqueuePassword(tx, payload, sealed);
      }
    });
    rig.goTogether();
  }
  static Job jobOf(test::SyncRig& rig, ContactId id) {
    for (Job& job : rig.jobs()) {
      if (job.kind == members::kPasswordJob && job.contactId == id) return job;
    }
    CPPUNIT_FAIL("no job");
    return {};
  }
  static PasswordPayload payloadOf(const Job& job) {
    return *members::readPasswordPayload(job.payload);
  }

  // One password of ours, and the tags after it.
  static void expectGood(test::SyncRig& rig, ContactId id, const std::string& where = "") {
    const std::string what = where + "contact " + std::to_string(id) + ": ";
    const Job job = jobOf(rig, id);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what + job.reason, std::string("done"),
                                 std::string(toString(job.state)));
    CPPUNIT_ASSERT_MESSAGE(what + "sealed", job.sealed.empty());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::size_t{1}, rig.account.passwordsOf(id).size());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, *rig.account.passwordsOf(id).begin(), rig.password(id));
    CPPUNIT_ASSERT_MESSAGE(what + "no credential", rig.credential(id).has_value());
    CPPUNIT_ASSERT_MESSAGE(what + "another credential", rig.knows(id, rig.password(id)));
    CPPUNIT_ASSERT_MESSAGE(what + "origin",
                           rig.credential(id)->origin == CredentialOrigin::kGenerated);
    CPPUNIT_ASSERT_MESSAGE(what + "tags", rig.tagsInAccount(id) == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_MESSAGE(what + "tags here", rig.contact(id)->tags == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_MESSAGE(what + "a tag before the password", !rig.account.stepBeforePassword());
  }
  static void expectAllGood(test::SyncRig& rig, int count, const std::string& where = "") {
    for (int i = 0; i < count; ++i) expectGood(rig, kFirst + i, where);
  }
  // What the job waits with when its contact is asked for alone.
  struct Look {
    std::string reason;
    bool singly = false;
  };
  static void lookBeforeSingle(test::SyncRig& rig, ContactId id, Look& look) {
    rig.account.before("GET contacts/" + std::to_string(id), [&rig, &look, id] {
      const Job job = jobOf(rig, id);
      look = {job.reason, payloadOf(job).singly};
    });
  }
  static bool holds(const std::string& whole, const std::string& part) {
    return whole.find(part) != std::string::npos;
  }

  // --- as it goes ------------------------------------------------------------------------------

  void manyPasswordsAreFiveRequests() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.finishAll();
    expectAllGood(rig, 25);
    const Lines expected{"GET contacts", "POST import/bulk_import", "GET contacts",
                         "POST import/bulk_import", "GET import/info"};
    CPPUNIT_ASSERT(rig.account.log() == expected);
    CPPUNIT_ASSERT_EQUAL(std::size_t{25}, rig.jobs().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{26}, rig.account.people.size());
  }

  void moreThanAnImportHoldsAreSeveral() {
    test::SyncRig rig;
    prepare(rig, 260);
    rig.finishAll();
    expectAllGood(rig, 260);
    CPPUNIT_ASSERT_EQUAL(6, rig.account.count("GET contacts"));
    CPPUNIT_ASSERT_EQUAL(4, rig.account.count("POST import/bulk_import"));
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("GET import/info"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{12}, rig.account.log().size());
  }

  void anIssuedPasswordIsNotTakenForSomebodyElses() {
    test::SyncRig rig;
    const test::CapturedLog log;
    prepare(rig, kFew);
    Instant issuedAt{};
    rig.account.before("POST import/bulk_import",
                       [&] { issuedAt = rig.credential(kFirst)->changedAt; });
    rig.finishAll();
    CPPUNIT_ASSERT(!log.has("password_of_others_kept"));
    CPPUNIT_ASSERT(rig.credential(kFirst)->changedAt == issuedAt);
    CPPUNIT_ASSERT(rig.credential(kFirst)->origin == CredentialOrigin::kGenerated);
  }

  void whoMayJoin() {
    test::SyncRig rig;
    const Instant now = rig.clock.now();
    const auto joins = [&](const Change& change, Milliseconds dueIn = 0ms) {
      PasswordPayload payload;
      payload.contactId = 42;
      payload.steps = members::stepsOf({1}, {5});
      change(42, payload);
      Job job;
      job.payload = members::write(payload);
      job.dueAt = now + dueIn;
      return joinsPasswordBatch(job, now);
    };
    CPPUNIT_ASSERT(joins([](ContactId, PasswordPayload&) {}));
    CPPUNIT_ASSERT(joins([](ContactId, PasswordPayload&) {}, 10s));
    CPPUNIT_ASSERT(joins([](ContactId, PasswordPayload& p) { p.confirmed = true; }));
    CPPUNIT_ASSERT(!joins([](ContactId, PasswordPayload& p) { p.singly = true; }));
    CPPUNIT_ASSERT(!joins([](ContactId, PasswordPayload& p) { p.contactId.reset(); }));
    const auto inImport = [](ContactId, PasswordPayload& p) { p.import = "batch"; };
    CPPUNIT_ASSERT(joins(inImport));
    CPPUNIT_ASSERT(!joins(inImport, 1ms));
    CPPUNIT_ASSERT(!joins([](ContactId, PasswordPayload& p) {
      p.confirmed = true;
      p.steps = members::stepsOf({}, {5});
    }));
    Job foreign;
    foreign.payload = "[1]";
    CPPUNIT_ASSERT(!joinsPasswordBatch(foreign, now));
  }

  // --- what the field holds --------------------------------------------------------------------

  void aFilledFieldIsAdoptedAndItsTagsAreApplied() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.account.people[kFirst].fields[3] = "theirs";
    rig.account.people[kFirst + 1].fields[3] = "known";
    rig.write([&](store::Transaction& tx) {
      Credential known =
          rig.hasher.makeFast(kFirst + 1, Secret("known"), CredentialOrigin::kDefault, tx.now());
      known.source = rig.hasher.sourceDigest(Secret("known"));
      tx.saveCredential(known);
    });
    rig.clock.advance(1s);
    rig.finishAll();
    CPPUNIT_ASSERT(rig.knows(kFirst, "theirs"));
    CPPUNIT_ASSERT(rig.credential(kFirst)->origin == CredentialOrigin::kAdopted);
    CPPUNIT_ASSERT(rig.credential(kFirst + 1)->origin == CredentialOrigin::kDefault);
    for (const ContactId id : {kFirst, kFirst + 1}) {
      CPPUNIT_ASSERT(rig.account.passwordsOf(id).empty());
      CPPUNIT_ASSERT(rig.tagsInAccount(id) == std::vector<TagId>({1, 2}));
      CPPUNIT_ASSERT(rig.contact(id)->tags == std::vector<TagId>({1, 2}));
      CPPUNIT_ASSERT(jobOf(rig, id).state == JobState::kDone);
    }
    for (int i = 2; i < 25; ++i) expectGood(rig, kFirst + i);
  }

  // The importer came first, or somebody wrote after it: what the field holds is the truth.
  void whatIsWrittenMeanwhileBySomebodyElseIsAdopted() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.account.before("GET contacts?", [&] {
      rig.account.before("GET contacts?",
                         [&] { rig.account.people[kFirst].fields[3] = "somebody's"; });
    });
    rig.account.skipped = {mailOf(kFirst)};
    rig.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::string("somebody's"), rig.password(kFirst));
    CPPUNIT_ASSERT(rig.knows(kFirst, "somebody's"));
    CPPUNIT_ASSERT(rig.account.passwordsOf(kFirst).empty());
  }

  void withoutAutoregisterNoCredentialIsMade() {
    test::SyncRig rig;
    prepare(rig, kFew, [](ContactId, PasswordPayload& p) { p.autoregister = false; });
    rig.account.people[kFirst].fields[3] = "theirs";
    rig.finishAll();
    for (int i = 0; i < kFew; ++i) {
      CPPUNIT_ASSERT(jobOf(rig, kFirst + i).state == JobState::kDone);
      CPPUNIT_ASSERT(!rig.credential(kFirst + i));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig.password(kFirst + 1).size());
  }

  void theDefaultPasswordIsWrittenAsItIs() {
    test::SyncRig rig;
    prepare(rig, kFew, [](ContactId id, PasswordPayload& p) { p.hasDefault = id == kFirst; });
    rig.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::string("welcome"), rig.password(kFirst));
    CPPUNIT_ASSERT(rig.knows(kFirst, "welcome"));
    CPPUNIT_ASSERT(rig.credential(kFirst)->origin == CredentialOrigin::kDefault);
    for (int i = 1; i < kFew; ++i) expectGood(rig, kFirst + i);
  }

  void stepsOfTheRuleFollowAnIssuedPasswordOnly() {
    test::SyncRig rig;
    rig.workshop.passwordRule.who = members::PasswordRule::Who::kAll;
    prepare(rig, kFew, [](ContactId, PasswordPayload& p) { p.byRule = true; });
    rig.account.people[kFirst].fields[3] = "theirs";
    rig.finishAll();
    CPPUNIT_ASSERT(jobOf(rig, kFirst).state == JobState::kDone);
    CPPUNIT_ASSERT(rig.tagsInAccount(kFirst).empty());
    CPPUNIT_ASSERT(rig.knows(kFirst, "theirs"));
    for (int i = 1; i < kFew; ++i) expectGood(rig, kFirst + i);
  }

  void whomTheRuleCoversNoMoreGetsNothing() {
    test::SyncRig rig;
    rig.workshop.passwordRule = {members::PasswordRule::Who::kTagged, {1}, {}, {}};
    prepare(rig, kFew, [&](ContactId id, PasswordPayload& p) {
      p.byRule = true;
      p.steps = members::stepsOf({2}, {});
      if (id != kFirst) rig.account.people[id].tags[9000 + id] = 1;
    });
    rig.finishAll();
    CPPUNIT_ASSERT(jobOf(rig, kFirst).state == JobState::kDone);
    CPPUNIT_ASSERT(!rig.credential(kFirst));
    CPPUNIT_ASSERT(rig.account.passwordsOf(kFirst).empty());
    CPPUNIT_ASSERT(rig.tagsInAccount(kFirst).empty());
    for (int i = 1; i < kFew; ++i) expectGood(rig, kFirst + i);
  }

  void aCredentialThatChangedWhileItWasReadIsReadAgain() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.account.before("GET contacts?", [&] {
      rig.clock.advance(1ms);
      rig.write([&](store::Transaction& tx) {
        tx.saveCredential(rig.hasher.makeFast(kFirst, Secret("set by the member"),
                                              CredentialOrigin::kSet, tx.now()));
      });
      rig.account.people[kFirst].fields[3] = "set by the member";
    });
    rig.account.people[kFirst].fields[3] = "older";
    rig.finishAll();
    CPPUNIT_ASSERT(rig.knows(kFirst, "set by the member"));
    CPPUNIT_ASSERT(rig.account.passwordsOf(kFirst).empty());
    for (int i = 1; i < kFew; ++i) expectGood(rig, kFirst + i);
  }

  // --- what the importer does ------------------------------------------------------------------

  void whomTheImporterSkipsGoesSinglyWithTheReason() {
    test::SyncRig rig;
    prepare(rig, 25);
    for (int i = 0; i < 12; ++i) rig.account.skipped.insert(mailOf(kFirst + i));
    Look look;
    lookBeforeSingle(rig, kFirst, look);
    rig.finishAll();
    expectAllGood(rig, 25);
    CPPUNIT_ASSERT(look.singly);
    CPPUNIT_ASSERT_MESSAGE(look.reason, holds(look.reason, "the importer skipped the contact"));
    CPPUNIT_ASSERT_EQUAL(12, rig.account.count("PUT contacts/"));
  }

  // With few left nobody asks the importer: the single way reads first.
  void aFewWhomTheImporterSkipsGoSinglyAtOnce() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.account.skipped = {mailOf(kFirst), mailOf(kFirst + 9)};
    rig.finishAll();
    expectAllGood(rig, 25);
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("PUT contacts/"));
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("GET contacts/"));
  }

  void whomTheImportOfTagsSkipsGetsThemSingly() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.account.before("POST import/bulk_import", [&] {
      rig.account.before("POST import/bulk_import",
                         [&] { rig.account.skipped = {mailOf(kFirst)}; });
    });
    rig.finishAll();
    expectAllGood(rig, 25);
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("POST contactTags"));
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("PUT contacts/"));
  }

  void anImportThatTakesItsTimeIsAwaited() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.account.importTakes = 20s;
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("PUT"));
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("POST contactTags"));
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("POST import/bulk_import"));
  }

  void anImportThatNeverEndsIsGivenUpOn() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.workshop.importPatience = 30s;
    rig.account.importTakes.reset();
    const Instant begun = rig.clock.now();
    Look look;
    Instant singlyAt{};
    rig.account.before("GET contacts/", [&] {
      singlyAt = rig.clock.now();
      const Job job = jobOf(rig, kFirst);
      look = {job.reason, payloadOf(job).singly};
    });
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT(look.singly);
    CPPUNIT_ASSERT_MESSAGE(look.reason, holds(look.reason, "did not end in time"));
    CPPUNIT_ASSERT(singlyAt - begun >= 30s && singlyAt - begun < 60s);
    CPPUNIT_ASSERT_EQUAL(kFew, rig.account.count("PUT contacts/"));
  }

  void anImportOfTagsThatNeverEndsIsGivenUpOn() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.workshop.importPatience = 30s;
    rig.account.importsEnd = false;
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("PUT contacts/"));
    CPPUNIT_ASSERT_EQUAL(2 * kFew, rig.account.count("POST contactTags"));
  }

  void anImportThatEndsAfterAllDoesNoHarm() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.workshop.importPatience = 10s;
    rig.account.importTakes = 17s;
    rig.finishAll();
    rig.clock.advance(1min);
    rig.write([](store::Transaction& tx) { members::enqueueRefresh(tx, {kFirst, ""}); });
    rig.finishAll();  // with it the account carries the imports out
    expectAllGood(rig, kFew);
  }

  // The passwords may well be there: what is not known in time is looked up singly.
  void anImportThatCannotBeAskedAboutIsGivenUpOn() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.workshop.importPatience = 30s;
    for (int i = 0; i < 200; ++i) {
      rig.account.answerOnce("GET import/info", 422, R"({"message":"not for this account"})");
    }
    const Instant begun = rig.clock.now();
    rig.finishAll();
    CPPUNIT_ASSERT(rig.clock.now() - begun < 2min);
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT(rig.account.count("GET import/info") < 20);
  }

  void aRefusedImportGoesSinglyInTheAccountsWords() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.account.answerOnce(
        "POST import/bulk_import", 400,
        R"({"success":0,"message":"Validation failed","failureReasons":["m101@example.com is odd"]})");
    Look look;
    lookBeforeSingle(rig, kFirst, look);
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT(look.singly);
    CPPUNIT_ASSERT_MESSAGE(look.reason, holds(look.reason, "Validation failed"));
    CPPUNIT_ASSERT_MESSAGE(look.reason, !holds(look.reason, "m101"));
    CPPUNIT_ASSERT_EQUAL(kFew, rig.account.count("PUT contacts/"));
  }

  void theImportersLimitIsWaitedFor() {
    test::SyncRig rig(PasswordPolicy::kKeep, test::SyncRig::Waits::kPassAtOnce);
    prepare(rig, kFew);
    rig.account.answerOnce(
        "POST import/bulk_import", 400,
        R"({"success":0,"message":"You have exceeded the limit of 100 requests per minute"})");
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("PUT"));
    CPPUNIT_ASSERT_EQUAL(3, rig.account.count("POST import/bulk_import"));
  }

  void ourOwnPaceIsWaitedFor() {
    test::SyncRig rig(PasswordPolicy::kKeep, test::SyncRig::Waits::kPassAtOnce);
    prepare(rig, kFew);
    while (takeImportSlot(rig.store, rig.clock)) {
    }
    const Instant begun = rig.clock.now();
    Instant sent{};
    rig.account.before("POST import/bulk_import", [&] { sent = rig.clock.now(); });
    rig.finishAll();
    CPPUNIT_ASSERT(sent - begun >= 667ms);
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(2, rig.account.count("POST import/bulk_import"));
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("PUT"));
  }

  void whomThePageDoesNotShowGoesSingly() {
    test::SyncRig rig;
    prepare(rig, 25);
    rig.account.unlisted = {kFirst + 3};
    Look look;
    lookBeforeSingle(rig, kFirst + 3, look);
    rig.finishAll();
    expectAllGood(rig, 25);
    CPPUNIT_ASSERT(look.singly);
    CPPUNIT_ASSERT_MESSAGE(look.reason, holds(look.reason, "the page did not show"));
    CPPUNIT_ASSERT_EQUAL(1, rig.account.count("PUT contacts/"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig.account.written().size() - 1);
  }

  void withoutPartsAllGoSingly() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.account.include = false;
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("POST import/bulk_import"));
    CPPUNIT_ASSERT_EQUAL(kFew, rig.account.count("PUT contacts/"));
  }

  // --- tags and automations --------------------------------------------------------------------

  void automationsAreStartedSinglyAfterTheTags() {
    test::SyncRig rig;
    prepare(rig, kFew, [](ContactId, PasswordPayload& p) {
      p.steps = members::stepsOf({1, 2}, {5, 6});
    });
    rig.finishAll();
    expectAllGood(rig, kFew);
    const Lines log = rig.account.log();
    const auto info = std::find(log.begin(), log.end(), "GET import/info");
    const auto first = std::find(log.begin(), log.end(), "POST contactAutomations");
    CPPUNIT_ASSERT(info < first);
    CPPUNIT_ASSERT_EQUAL(2 * kFew, rig.account.count("POST contactAutomations"));
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("GET contacts/"));
    for (int i = 0; i < kFew; ++i) {
      CPPUNIT_ASSERT_EQUAL(1, rig.entries(5, kFirst + i));
      CPPUNIT_ASSERT_EQUAL(1, rig.entries(6, kFirst + i));
    }
  }

  void aRenamedTagIsNotMadeAnew() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.clock.advance(2min);
    rig.account.tags[1] = "Member since 2023";
    rig.finishAll();
    expectAllGood(rig, kFew);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.account.tags.size());
    CPPUNIT_ASSERT_EQUAL(1, rig.account.count("GET tags"));
  }

  void namesThatAreFreshAreNotAskedFor() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.clock.advance(50s);
    rig.finishAll();
    CPPUNIT_ASSERT_EQUAL(0, rig.account.count("GET tags"));
  }

  void aTagThatIsGoneIsRefusedSingly() {
    test::SyncRig rig;
    prepare(rig, kFew);
    rig.clock.advance(2min);
    rig.account.tags.erase(2);
    rig.finishAll();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.account.tags.size());
    for (int i = 0; i < kFew; ++i) {
      CPPUNIT_ASSERT(jobOf(rig, kFirst + i).state == JobState::kRefused);
      CPPUNIT_ASSERT(rig.tagsInAccount(kFirst + i) == std::vector<TagId>({1}));
      CPPUNIT_ASSERT(rig.knows(kFirst + i, rig.password(kFirst + i)));
    }
  }

  // --- stops, crashes, secrets -----------------------------------------------------------------

  void aStopLeavesTheJobsWithWhatTheyReached() {
    test::SyncRig rig;
    prepare(rig, kFew);
    while (takeImportSlot(rig.store, rig.clock)) {
    }
    auto jobs = rig.claimTogether(members::kPasswordJob, &joinsPasswordBatch);
    CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(kFew), jobs.size());
    StopFlag stop;
    rig.account.before("GET contacts?", [&] { stop.raise(); });
    for (const Verdict& verdict : runPasswordBatch(rig.workshop, jobs, stop)) {
      CPPUNIT_ASSERT(verdict.kind == Verdict::Kind::kRetry);
      CPPUNIT_ASSERT(verdict.retryAfter == std::optional(Milliseconds{0}));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.account.log().size());
    for (const Job& each : jobs) {
      const Job job = *rig.job(each.id);
      CPPUNIT_ASSERT(payloadOf(job).issued && !payloadOf(job).confirmed);
      CPPUNIT_ASSERT(!job.sealed.empty());
      CPPUNIT_ASSERT(rig.credential(*job.contactId).has_value());
    }
    rig.passLease();
    rig.finishAll();
    expectAllGood(rig, kFew);
  }

  void aJobThatIsNoLongerOursIsLeftAlone() {
    test::SyncRig rig;
    prepare(rig, kFew);
    auto jobs = rig.claimTogether(members::kPasswordJob, &joinsPasswordBatch);
    const StopFlag stop;
    rig.account.before("GET contacts?", [&] {
      rig.passLease();
      rig.write([&](store::Transaction& tx) {
        (void)tx.claimJobs(1, Lane::kBackfill, rig.clock.now() + rig.options.lease);
      });
    });
    (void)runPasswordBatch(rig.workshop, jobs, stop);
    CPPUNIT_ASSERT(!rig.credential(*jobs.front().contactId));
    CPPUNIT_ASSERT(!payloadOf(*rig.job(jobs.front().id)).issued);
    rig.passLease();
    rig.finishAll();
    expectAllGood(rig, kFew);
  }

  void noPasswordIsInAPayloadOrInTheLog() {
    test::SyncRig rig;
    const test::CapturedLog log;
    prepare(rig, 25, [](ContactId, PasswordPayload& p) {
      p.steps = members::stepsOf({1, 2}, {5});
    });
    std::string seen;  // every row at every request
    std::function<void()> look = [&] {
      for (const Job& job : rig.jobs()) seen += job.payload + job.sealed + job.result + job.reason;
      rig.account.before("", look);
    };
    rig.account.before("", look);
    rig.account.skipped = {mailOf(kFirst)};
    rig.account.unlisted = {kFirst + 1};
    rig.finishAll();
    for (int i = 0; i < 25; ++i) {
      const std::string password = rig.password(kFirst + i);
      CPPUNIT_ASSERT_EQUAL(std::size_t{24}, password.size());
      CPPUNIT_ASSERT(!log.has(password));
      CPPUNIT_ASSERT(!holds(seen, password));
    }
  }

  // One who is not shown by pages, one who has a password, one without steps and with one.
  static void prepareMixed(test::SyncRig& rig) {
    prepare(rig, kFew, [](ContactId id, PasswordPayload& p) {
      if (id == kFirst + 2) p.steps.clear();
    });
    rig.account.unlisted = {kFirst};
    rig.account.people[kFirst + 1].fields[3] = "theirs";
    rig.account.people[kFirst + 2].fields[3] = "theirs too";
  }
  static void expectMixed(test::SyncRig& rig, const std::string& where) {
    CPPUNIT_ASSERT_MESSAGE(where + "theirs", rig.knows(kFirst + 1, "theirs"));
    CPPUNIT_ASSERT_MESSAGE(where, rig.account.passwordsOf(kFirst + 1).empty());
    CPPUNIT_ASSERT_MESSAGE(where, rig.tagsInAccount(kFirst + 1) == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_MESSAGE(where, rig.contact(kFirst + 1)->tags == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_MESSAGE(where + "theirs too", rig.knows(kFirst + 2, "theirs too"));
    CPPUNIT_ASSERT_MESSAGE(where, rig.tagsInAccount(kFirst + 2).empty());
    expectGood(rig, kFirst, where);
    for (int i = 3; i < kFew; ++i) expectGood(rig, kFirst + i, where);
  }

  // What the dispatcher does with verdicts; see Dispatcher::settle().
  static void settle(test::SyncRig& rig, const std::vector<Job>& jobs,
                     const std::vector<Verdict>& verdicts) {
    rig.write([&](store::Transaction& tx) {
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        Job left = verdicts[i].kind == Verdict::Kind::kRetry ? *tx.findJob(jobs[i].id) : jobs[i];
        left.leaseUntil = jobs[i].leaseUntil;
        left.state = JobState::kQueued;
        left.dueAt = rig.clock.now() + verdicts[i].retryAfter.value_or(2s);
        if (verdicts[i].kind == Verdict::Kind::kDone) left.state = JobState::kDone;
        if (left.state == JobState::kDone) wipe(left.sealed);
        CPPUNIT_ASSERT(tx.saveJob(left));
        if (verdicts[i].effects) verdicts[i].effects(tx);
      }
    });
  }
  // Batch after batch, as long as `lives` says so after it.
  static void runUntilDeath(test::SyncRig& rig, const std::function<bool()>& lives) {
    const StopFlag stop;
    for (int i = 0; i < 10; ++i) {
      auto jobs = rig.claimTogether(members::kPasswordJob, &joinsPasswordBatch);
      if (jobs.empty()) return;
      const auto verdicts = runPasswordBatch(rig.workshop, jobs, stop);
      if (!lives()) return;
      settle(rig, jobs, verdicts);
      rig.clock.advance(3s);
    }
    CPPUNIT_FAIL("the batches do not end");
  }

  static constexpr int kMost = 80;  // far more points than there are

  static void dieAtEachRequest(Fault fault) {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const test::CapturedLog log;
      prepareMixed(rig);
      rig.account.failFrom(nth, fault);
      const auto lives = [&] { return rig.account.log().size() < static_cast<std::size_t>(nth); };
      runUntilDeath(rig, lives);
      const bool whole = lives();
      rig.account.heal();
      rig.passLease();
      rig.finishAll();
      expectMixed(rig, "request " + text(nth) + ": ");
      if (whole) return;
    }
    CPPUNIT_FAIL("the jobs make requests without end");
  }

  void aProcessThatDiesBeforeAnyRequestLeavesJobsThatEndWell() {
    dieAtEachRequest(Fault::kRequestLost);
  }
  void aProcessThatDiesAfterAnyRequestLeavesJobsThatEndWell() {
    dieAtEachRequest(Fault::kAnswerLost);
  }

  void aProcessThatDiesAtAnyWriteOfTheStoreLeavesJobsThatEndWell() {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const test::CapturedLog log;
      prepareMixed(rig);
      rig.store.failAt(FailAt::kWork, nth, 1000000);
      const auto lives = [&] { return rig.store.failed() == 0; };
      runUntilDeath(rig, lives);
      const bool whole = lives();
      rig.store.failAt(FailAt::kWork, 1, 0);
      rig.passLease();
      rig.finishAll();
      expectMixed(rig, "write " + text(nth) + ": ");
      if (whole) return;
    }
    CPPUNIT_FAIL("the jobs write without end");
  }

  void aWriteOfTheStoreThatFailsOnceDoesNoHarm() {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const test::CapturedLog log;
      prepareMixed(rig);
      rig.store.failAt(FailAt::kWork, nth);
      runUntilDeath(rig, [] { return true; });
      const bool whole = rig.store.failed() == 0;
      rig.store.failAt(FailAt::kWork, 1, 0);
      rig.finishAll();
      expectMixed(rig, "write " + text(nth) + ": ");
      if (whole) return;
    }
    CPPUNIT_FAIL("the jobs write without end");
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PasswordBatchTest);

}  // namespace mbr::sync
