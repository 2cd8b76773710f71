#include "members/link_tokens.h"
#include "sync/rig.h"

namespace mbr::sync {

using members::LinkTokens;
using outbox::Verdict;

class LinkTokenJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LinkTokenJobTest);
  CPPUNIT_TEST(aReadKeepsADigestOfTheTokenAlone);
  CPPUNIT_TEST(aReadOfAnEmptyFieldAddsOneJobForAMember);
  CPPUNIT_TEST(whoHasNoPasswordGetsNoToken);
  CPPUNIT_TEST(aFieldThatTheDirectoryDoesNotKnowAddsNoJob);
  CPPUNIT_TEST(theJobWritesATokenThatOpensTheLink);
  CPPUNIT_TEST(aRunWhoseAnswerWasLostWritesTheSameAgain);
  CPPUNIT_TEST(aTokenThatIsThereByNowStays);
  CPPUNIT_TEST(theJobHoldsNoToken);
  CPPUNIT_TEST(anOlderReadDoesNotTakeTheTokenAway);
  CPPUNIT_TEST(aRefusalEndsTheJob);
  CPPUNIT_TEST(theDirectoriesJobMakesTheField);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;
  LinkTokens tokens_{rig_.keys, "TOKEN"};
  ContactReader reader_{
      rig_.store, rig_.directories, {"PASSWORD", {"PASSWORD", "TOKEN"}, &tokens_}};
  members::ContactUpdater updater_{rig_.issuer, rig_.clock, {{}, {}, "TOKEN"}};
  Workshop workshop_{rig_.store, rig_.clock,       rig_.dispatcher, rig_.clients,
                     reader_,    rig_.directories, updater_,        rig_.issuer};

 public:
  void setUp() override {
    rig_.account.fields[8] = "TOKEN";
    rig_.write([](store::Transaction& tx) {
      tx.saveFields({{3, "PASSWORD", ""}, {6, "CITY", ""}, {8, "TOKEN", ""}});
    });
  }

 private:
  void givePassword() {
    rig_.write([&](store::Transaction& tx) {
      tx.saveCredential(rig_.hasher.makeFast(42, Secret("secret"), CredentialOrigin::kGenerated,
                                             rig_.clock.now()));
    });
  }
  ContactSnapshot read() {
    const auto client = rig_.clients.lease();
    const StopFlag stop;
    const auto found =
        reader_.read(*client, {ContactId{42}, {}}, workshop_.call(Lane::kLogin, stop));
    CPPUNIT_ASSERT(found.ok() && found->snapshot);
    return *found->snapshot;
  }
  void pull() {
    const ContactSnapshot snapshot = read();
    rig_.write([&](store::Transaction& tx) { updater_.applySnapshot(tx, snapshot); });
  }
  std::vector<Job> openJobs() {
    return rig_.read([](store::Reader& reader) { return reader.listOpenJobsOf(42); });
  }
  // The run of the one job there is, its end included if it ended well.
  Verdict run() {
    auto jobs = openJobs();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs.size());
    const StopFlag stop;
    Verdict verdict = runLinkTokenJob(workshop_, jobs.front(), stop);
    if (verdict.effects) rig_.write([&](store::Transaction& tx) { verdict.effects(tx); });
    return verdict;
  }
  std::string inAccount() { return rig_.account.people[42].fields[8]; }

  void aReadKeepsADigestOfTheTokenAlone() {
    rig_.account.people[42].fields = {{6, "Turin"}, {8, "their token"}};
    pull();
    const Contact contact = *rig_.contact(42);
    CPPUNIT_ASSERT_EQUAL(std::string("Turin"), contact.fields.at("CITY"));
    CPPUNIT_ASSERT_EQUAL(tokens_.digest(42, "their token"), contact.fields.at("TOKEN"));
    CPPUNIT_ASSERT(tokens_.matches(contact, "their token"));
    CPPUNIT_ASSERT(!tokens_.matches(contact, "Their token"));
    CPPUNIT_ASSERT(!tokens_.matches(contact, ""));
  }

  void aReadOfAnEmptyFieldAddsOneJobForAMember() {
    givePassword();
    pull();
    pull();
    rig_.account.people[42].fields[8] = "";
    pull();
    const auto jobs = openJobs();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, jobs.size());
    CPPUNIT_ASSERT_EQUAL(std::string(members::kLinkTokenJob), jobs.front().kind);
    CPPUNIT_ASSERT(jobs.front().lane == Lane::kBackfill);
    CPPUNIT_ASSERT(!tokens_.isKnown(*rig_.contact(42)));
    CPPUNIT_ASSERT(!tokens_.matches(*rig_.contact(42), ""));
  }

  void whoHasNoPasswordGetsNoToken() {
    pull();
    CPPUNIT_ASSERT(openJobs().empty());
  }

  void aFieldThatTheDirectoryDoesNotKnowAddsNoJob() {
    rig_.write([](store::Transaction& tx) { tx.saveFields({{3, "PASSWORD", ""}}); });
    givePassword();
    pull();
    CPPUNIT_ASSERT(openJobs().empty());
  }

  void theJobWritesATokenThatOpensTheLink() {
    givePassword();
    pull();
    CPPUNIT_ASSERT(run().kind == Verdict::Kind::kDone);
    CPPUNIT_ASSERT_EQUAL(std::size_t{22}, inAccount().size());
    CPPUNIT_ASSERT(tokens_.matches(*rig_.contact(42), inAccount()));
    pull();
    CPPUNIT_ASSERT(tokens_.matches(*rig_.contact(42), inAccount()));
    // One call: no field was looked for, nobody was read.
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("PUT contacts/42"));
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("GET fields"));
  }

  void aRunWhoseAnswerWasLostWritesTheSameAgain() {
    givePassword();
    pull();
    rig_.account.failFrom(1, test::FakeAccount::Fault::kAnswerLost);
    CPPUNIT_ASSERT(run().kind == Verdict::Kind::kRetry);
    const std::string first = inAccount();
    CPPUNIT_ASSERT(!first.empty());
    rig_.account.heal();
    CPPUNIT_ASSERT(run().kind == Verdict::Kind::kDone);
    CPPUNIT_ASSERT_EQUAL(first, inAccount());
  }

  void aTokenThatIsThereByNowStays() {
    givePassword();
    pull();
    rig_.account.people[42].fields[8] = "their token";
    pull();
    CPPUNIT_ASSERT(run().kind == Verdict::Kind::kDone);
    CPPUNIT_ASSERT_EQUAL(std::string("their token"), inAccount());
  }

  void theJobHoldsNoToken() {
    givePassword();
    pull();
    run();
    const Job job = openJobs().front();
    CPPUNIT_ASSERT((job.payload + job.sealed + job.result).find(inAccount()) == std::string::npos);
    const Contact contact = *rig_.contact(42);
    for (const auto& [perstag, value] : contact.fields) CPPUNIT_ASSERT(value != inAccount());
    for (const OwnChange& change : contact.ownChanges) CPPUNIT_ASSERT(change.value != inAccount());
  }

  void anOlderReadDoesNotTakeTheTokenAway() {
    givePassword();
    pull();
    const ContactSnapshot older = read();
    run();
    rig_.write([&](store::Transaction& tx) { updater_.applySnapshot(tx, older); });
    CPPUNIT_ASSERT(tokens_.matches(*rig_.contact(42), inAccount()));
  }

  void aRefusalEndsTheJob() {
    givePassword();
    pull();
    rig_.account.people.clear();
    CPPUNIT_ASSERT(run().kind == Verdict::Kind::kRefused);
  }

  void theDirectoriesJobMakesTheField() {
    rig_.account.fields.erase(8);
    Job job;
    const StopFlag stop;
    CPPUNIT_ASSERT(runDirectoriesJob(workshop_, job, stop).kind == Verdict::Kind::kDone);
    CPPUNIT_ASSERT(rig_.directories.names()->fieldId("TOKEN").has_value());
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("POST fields"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LinkTokenJobTest);

}  // namespace mbr::sync
