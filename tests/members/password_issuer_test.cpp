#include "members/rig.h"

namespace mbr::members {

class PasswordIssuerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordIssuerTest);
  CPPUNIT_TEST(theTableUnderKeep);
  CPPUNIT_TEST(aCredentialFromBeforeTheClockWasSetBackDoesNotHideTheField);
  CPPUNIT_TEST(theTableUnderWipe);
  CPPUNIT_TEST(anIssuedPasswordLiesInHashAndJobAlike);
  CPPUNIT_TEST(theDefaultPasswordIsTakenAsGiven);
  CPPUNIT_TEST(withoutAutoregisterThereIsNoHash);
  CPPUNIT_TEST(aSealedPasswordOpensForItsContactAlone);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;
  test::MembersRig wiping_{PasswordPolicy::kWipeAfter};

  static FieldDecision decide(test::MembersRig& rig, const std::string& text, bool jobOpen = false,
                              Milliseconds sentAfter = Milliseconds{1}) {
    return rig.read([&](store::Reader& reader) {
      return rig.issuer.decide(reader, 42, Secret(text), rig.clock.now() + sentAfter, jobOpen);
    });
  }
  static void adopt(test::MembersRig& rig, const std::string& text) {
    rig.write([&](store::Transaction& tx) { rig.issuer.adopt(tx, 42, Secret(text)); });
  }

  void theTableUnderKeep() {
    CPPUNIT_ASSERT(decide(rig_, "") == FieldDecision::kMayIssue);
    CPPUNIT_ASSERT(decide(rig_, "theirs") == FieldDecision::kAdopt);
    CPPUNIT_ASSERT(decide(rig_, "theirs", true) == FieldDecision::kIgnore);
    adopt(rig_, "theirs");
    CPPUNIT_ASSERT(decide(rig_, "theirs") == FieldDecision::kNothingToDo);
    CPPUNIT_ASSERT(decide(rig_, "other") == FieldDecision::kAdopt);
    CPPUNIT_ASSERT(decide(rig_, "") == FieldDecision::kMayIssue);
    CPPUNIT_ASSERT(decide(rig_, "other", false, Milliseconds{0}) == FieldDecision::kIgnore);
    CPPUNIT_ASSERT(decide(rig_, "", false, Milliseconds{-5}) == FieldDecision::kIgnore);
  }

  void aCredentialFromBeforeTheClockWasSetBackDoesNotHideTheField() {
    rig_.write([&](store::Transaction& tx) {
      tx.saveCredential(rig_.hasher.makeFast(42, Secret("old"), CredentialOrigin::kAdopted,
                                             rig_.clock.now() + std::chrono::hours{1}));
    });
    CPPUNIT_ASSERT(decide(rig_, "new") == FieldDecision::kAdopt);
  }

  void theTableUnderWipe() {
    CPPUNIT_ASSERT(decide(wiping_, "") == FieldDecision::kMayIssue);
    adopt(wiping_, "theirs");
    CPPUNIT_ASSERT(decide(wiping_, "") == FieldDecision::kNothingToDo);
    CPPUNIT_ASSERT(decide(wiping_, "other") == FieldDecision::kAdopt);
  }

  Secret issue(Job& job, PasswordPayload& payload) {
    Secret password;
    rig_.write([&](store::Transaction& tx) { password = rig_.issuer.issue(tx, job, payload, 42); });
    return password;
  }

  void anIssuedPasswordLiesInHashAndJobAlike() {
    Job job;
    PasswordPayload payload;
    const Secret password = issue(job, payload);
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, password.size());
    CPPUNIT_ASSERT(payload.issued);
    CPPUNIT_ASSERT(rig_.knows(42, password.reveal()));
    CPPUNIT_ASSERT(rig_.issuer.sealedPassword(job, 42)->equals(password.reveal()));
    CPPUNIT_ASSERT(job.sealed.find(password.reveal()) == std::string::npos);
    CPPUNIT_ASSERT(rig_.credential(42)->origin == CredentialOrigin::kGenerated);
  }

  void theDefaultPasswordIsTakenAsGiven() {
    Job job;
    job.sealed = rig_.sealer.seal(Secret("w"), 0);
    PasswordPayload payload;
    payload.hasDefault = true;
    CPPUNIT_ASSERT_EQUAL(std::string("w"), issue(job, payload).reveal());
    CPPUNIT_ASSERT(!payload.hasDefault);
    CPPUNIT_ASSERT(rig_.knows(42, "w"));
    CPPUNIT_ASSERT(rig_.credential(42)->origin == CredentialOrigin::kDefault);
    CPPUNIT_ASSERT(rig_.issuer.sealedPassword(job, 42)->equals("w"));
  }

  void withoutAutoregisterThereIsNoHash() {
    Job job;
    PasswordPayload payload;
    payload.autoregister = false;
    const Secret password = issue(job, payload);
    CPPUNIT_ASSERT(!rig_.credential(42));
    CPPUNIT_ASSERT(rig_.issuer.sealedPassword(job, 42)->equals(password.reveal()));
  }

  void aSealedPasswordOpensForItsContactAlone() {
    Job job;
    PasswordPayload payload;
    issue(job, payload);
    CPPUNIT_ASSERT(!rig_.issuer.sealedPassword(job, 43).ok());
    job.sealed.back() = static_cast<char>(job.sealed.back() ^ 1);
    CPPUNIT_ASSERT(!rig_.issuer.sealedPassword(job, 42).ok());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PasswordIssuerTest);

}  // namespace mbr::members
