#include "sync/rig.h"

namespace mbr::sync {

using members::PasswordPayload;
using Wish = PasswordPayload::Wish;

// Passwords that were asked for by the API: they replace what ActiveCampaign holds.
class PasswordWishTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordWishTest);
  CPPUNIT_TEST(aForcedOneReplacesWhatIsThere);
  CPPUNIT_TEST(withoutForceAnExistingOneIsAdoptedAndNoneIsIssued);
  CPPUNIT_TEST(aForcedOneThatDiedBeforeTheWriteIsWrittenThen);
  CPPUNIT_TEST(aChosenOneIsWrittenAndStaysSlow);
  CPPUNIT_TEST(aChosenOneIsNotWrittenTwice);
  CPPUNIT_TEST(aChosenOneWinsOverAJobThatWasOpenBefore);
  CPPUNIT_TEST(aChosenOneThatNoLongerOpensIsNotReplacedByAGeneratedOne);
  CPPUNIT_TEST(aPullMeanwhileDoesNotAdoptTheOldText);
  CPPUNIT_TEST(anErasedContactGetsNone);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  static PasswordPayload payload(Wish wish) {
    PasswordPayload made;
    made.contactId = 42;
    made.email = "a@example.com";
    made.wish = wish;
    made.singly = true;
    made.issued = wish == Wish::kChosen;
    return made;
  }
  JobId add(Wish wish, const std::string& sealed = "") {
    Job job;
    job.kind = members::kPasswordJob;
    job.lane = Lane::kSite;
    job.contactId = 42;
    job.payload = members::write(payload(wish));
    job.sealed = sealed;
    return rig_.addJob(job);
  }
  // As PasswordChanger leaves it.
  JobId choose(const std::string& text) {
    Credential credential =
        rig_.hasher.makeSlow(42, Secret(text), CredentialOrigin::kSet, rig_.clock.now());
    credential.source = rig_.hasher.sourceDigest(Secret(text));
    rig_.write([&](store::Transaction& tx) { tx.saveCredential(credential); });
    return add(Wish::kChosen, rig_.sealer.seal(Secret(text), 42));
  }
  std::string& field() { return rig_.account.people[42].fields[3]; }
  void expectDone(const Job& job, bool issued = true) {
    CPPUNIT_ASSERT_EQUAL(std::string("done"), std::string(toString(job.state)));
    CPPUNIT_ASSERT(job.sealed.empty());
    CPPUNIT_ASSERT_EQUAL(issued, members::readPasswordPayload(job.payload)->issued);
  }

 public:
  void setUp() override { rig_.known(42, "a@example.com"); }

 private:
  void aForcedOneReplacesWhatIsThere() {
    field() = "theirs!";
    expectDone(rig_.finish(add(Wish::kReplace)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, rig_.password().size());
    CPPUNIT_ASSERT(rig_.knows(42, rig_.password()));
  }

  void withoutForceAnExistingOneIsAdoptedAndNoneIsIssued() {
    field() = "theirs!";
    expectDone(rig_.finish(add(Wish::kNone)), false);
    CPPUNIT_ASSERT_EQUAL(std::string("theirs!"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "theirs!"));
  }

  void aForcedOneThatDiedBeforeTheWriteIsWrittenThen() {
    field() = "theirs!";
    const JobId id = add(Wish::kReplace);
    rig_.account.answerOnce("PUT contacts", 503, "{}");
    expectDone(rig_.finish(id));
    CPPUNIT_ASSERT(rig_.password() != "theirs!" && rig_.knows(42, rig_.password()));
  }

  void aChosenOneIsWrittenAndStaysSlow() {
    field() = "theirs!";
    expectDone(rig_.finish(choose("a fine password")));
    CPPUNIT_ASSERT_EQUAL(std::string("a fine password"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "a fine password"));
    CPPUNIT_ASSERT(rig_.credential(42)->kind == CredentialKind::kSlow);
    CPPUNIT_ASSERT(rig_.credential(42)->origin == CredentialOrigin::kSet);
  }

  void aChosenOneIsNotWrittenTwice() {
    field() = "a fine password";
    expectDone(rig_.finish(choose("a fine password")));
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("PUT"));
    CPPUNIT_ASSERT(rig_.credential(42)->kind == CredentialKind::kSlow);
  }

  void aChosenOneWinsOverAJobThatWasOpenBefore() {
    const JobId before = rig_.addPasswordJob(rig_.wanted(42));
    const JobId chosen = choose("a fine password");
    rig_.finish(before);
    expectDone(rig_.finish(chosen));
    CPPUNIT_ASSERT_EQUAL(std::string("a fine password"), rig_.password());
    CPPUNIT_ASSERT(rig_.knows(42, "a fine password"));
  }

  void aChosenOneThatNoLongerOpensIsNotReplacedByAGeneratedOne() {
    choose("a fine password");
    rig_.write([&](store::Transaction& tx) {
      Job job = tx.listOpenJobsOf(42).front();
      job.sealed = "of a key that is gone";
      tx.saveJob(job);
    });
    rig_.finishAll();
    CPPUNIT_ASSERT_EQUAL(0, rig_.account.count("PUT"));
    CPPUNIT_ASSERT(rig_.knows(42, "a fine password"));
  }

  void aPullMeanwhileDoesNotAdoptTheOldText() {
    field() = "theirs!";
    choose("a fine password");
    rig_.clock.advance(Milliseconds{1000});
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = test::email("a@example.com");
    snapshot.password = Secret("theirs!");
    snapshot.sentAt = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) { rig_.updater.applySnapshot(tx, snapshot); });
    CPPUNIT_ASSERT(rig_.knows(42, "a fine password"));
  }

  void anErasedContactGetsNone() {
    const members::Tombstones tombstones(rig_.keys);
    const members::ContactUpdater updater(rig_.issuer, rig_.clock, {{}, {}, {}, &tombstones});
    const JobId id = add(Wish::kReplace);
    rig_.write([&](store::Transaction& tx) {
      tombstones.bury(tx, 42, test::email("a@example.com"), "cli");
    });
    CPPUNIT_ASSERT(rig_.job(id)->state == JobState::kDropped);
    rig_.clock.advance(Milliseconds{1000});
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.password = Secret("theirs!");
    snapshot.sentAt = rig_.clock.now();
    rig_.write([&](store::Transaction& tx) { updater.applySnapshot(tx, snapshot); });
    CPPUNIT_ASSERT(!rig_.contact(42) && !rig_.credential(42));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordWishTest);

}  // namespace mbr::sync
