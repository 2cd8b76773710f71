#include <set>

#include "sync/rig.h"

namespace mbr::sync {

using Fault = test::FakeAccount::Fault;
using Step = test::FailingStore::Step;

// The process dies, or the network or the store fails, at every point there is in turn; then the
// job is run again. One password, and everything once.
class PasswordJobCrashTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordJobCrashTest);
  CPPUNIT_TEST(aProcessThatDiesBeforeAnyRequestLeavesAJobThatEndsWell);
  CPPUNIT_TEST(aProcessThatDiesAfterAnyRequestLeavesAJobThatEndsWell);
  CPPUNIT_TEST(aProcessThatDiesAtAnyWriteOfTheStoreLeavesAJobThatEndsWell);
  CPPUNIT_TEST(aRequestThatGetsNoAnswerIsRepeatedWithoutHarm);
  CPPUNIT_TEST(aRequestThatIsNotSentIsRepeatedWithoutHarm);
  CPPUNIT_TEST(aWriteOfTheStoreThatFailsOnceDoesNoHarm);
  CPPUNIT_TEST(aLeaseThatIsLostWhileARequestIsOutDoesNoHarm);
  CPPUNIT_TEST(withADefaultPasswordTheSameHolds);
  CPPUNIT_TEST(withAPasswordOfTheirsTheSameHolds);
  CPPUNIT_TEST_SUITE_END();

  static constexpr int kMost = 60;  // far more points than there are

  enum class Password { kGenerated, kDefault, kTheirs };
  Password which_ = Password::kGenerated;

  JobId begin(test::SyncRig& rig) const {
    rig.account.fields = {{6, "CITY"}};  // the field is missing, which makes more requests
    members::PasswordPayload payload = rig.wanted(42);
    if (which_ == Password::kTheirs) {
      rig.account.fields[3] = "PASSWORD";
      rig.account.people[42].fields[3] = "theirs";
    }
    if (which_ != Password::kDefault) return rig.addPasswordJob(payload);
    payload.hasDefault = true;
    return rig.addPasswordJob(payload, rig.sealer.seal(Secret("welcome"), 0));
  }

  void expectOnce(test::SyncRig& rig, const Job& job, const std::string& where) const {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(where + job.reason, std::string("done"),
                                 std::string(toString(job.state)));
    const auto written = rig.account.written();
    const std::set<std::string> different(written.begin(), written.end());
    const std::size_t most = which_ == Password::kTheirs ? 0 : 1;
    CPPUNIT_ASSERT_EQUAL_MESSAGE(where, most, different.size());
    if (which_ == Password::kTheirs) CPPUNIT_ASSERT_EQUAL(std::string("theirs"), rig.password());
    if (which_ == Password::kDefault) CPPUNIT_ASSERT_EQUAL(std::string("welcome"), rig.password());
    CPPUNIT_ASSERT_MESSAGE(where + "no credential", rig.credential(42).has_value());
    CPPUNIT_ASSERT_MESSAGE(where + "another credential", rig.knows(42, rig.password()));
    const auto origin = which_ == Password::kGenerated ? CredentialOrigin::kGenerated
                        : which_ == Password::kDefault ? CredentialOrigin::kDefault
                                                       : CredentialOrigin::kAdopted;
    CPPUNIT_ASSERT_MESSAGE(where + "origin", rig.credential(42)->origin == origin);
    CPPUNIT_ASSERT_MESSAGE(where + "a step before the password", !rig.account.stepBeforePassword());
    CPPUNIT_ASSERT_MESSAGE(where, rig.tagsInAccount() == std::vector<TagId>({1, 2}));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(where, 1, rig.entries(5));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(where, 1, rig.entries(6));
    CPPUNIT_ASSERT_MESSAGE(where + "tags in the cache",
                           rig.contact(42)->tags == std::vector<TagId>({1, 2}));
    for (const Job& each : rig.jobs()) CPPUNIT_ASSERT_MESSAGE(where, each.sealed.empty());
  }

  void dieAtEachRequest(Fault fault) {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const JobId id = begin(rig);
      rig.account.failFrom(nth, fault);
      const bool whole = rig.runAndDie(id).kind == outbox::Verdict::Kind::kDone;
      rig.account.heal();
      rig.passLease();
      expectOnce(rig, rig.finish(id), "request " + std::to_string(nth) + ": ");
      if (whole) return;
    }
    CPPUNIT_FAIL("the job makes requests without end");
  }

  void aProcessThatDiesBeforeAnyRequestLeavesAJobThatEndsWell() {
    dieAtEachRequest(Fault::kRequestLost);
  }
  void aProcessThatDiesAfterAnyRequestLeavesAJobThatEndsWell() {
    dieAtEachRequest(Fault::kAnswerLost);
  }

  void dieAtEachWrite() {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const JobId id = begin(rig);
      rig.store.failAt(Step::kWork, nth, 1000000);
      const bool whole = rig.runAndDie(id).kind == outbox::Verdict::Kind::kDone;
      rig.store.failAt(Step::kWork, 1, 0);
      rig.passLease();
      expectOnce(rig, rig.finish(id), "write " + std::to_string(nth) + ": ");
      if (whole) return;
    }
    CPPUNIT_FAIL("the job writes without end");
  }

  void aProcessThatDiesAtAnyWriteOfTheStoreLeavesAJobThatEndsWell() { dieAtEachWrite(); }

  void failOnceAtEachRequest(Fault fault) {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const JobId id = begin(rig);
      const auto fail = [&rig, fault] { rig.account.failFrom(1, fault); };
      // The request that fails is the one that this happens before; the next one works again.
      int requests = 0;
      std::function<void()> count = [&] {
        ++requests;
        if (requests == nth) fail();
        if (requests == nth + 1) rig.account.heal();
        if (requests <= nth + 1) rig.account.before("", count);
      };
      rig.account.before("", count);
      expectOnce(rig, rig.finish(id), "request " + std::to_string(nth) + ": ");
      if (requests < nth) return;
    }
    CPPUNIT_FAIL("the job makes requests without end");
  }

  void aRequestThatGetsNoAnswerIsRepeatedWithoutHarm() {
    failOnceAtEachRequest(Fault::kAnswerLost);
  }
  void aRequestThatIsNotSentIsRepeatedWithoutHarm() { failOnceAtEachRequest(Fault::kRequestLost); }

  void aWriteOfTheStoreThatFailsOnceDoesNoHarm() {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      const JobId id = begin(rig);
      rig.store.failAt(Step::kWork, nth);
      expectOnce(rig, rig.finish(id), "write " + std::to_string(nth) + ": ");
      if (rig.store.failed() == 0) return;
    }
    CPPUNIT_FAIL("the job writes without end");
  }

  // Another worker takes the job over while a request of the first is out; both go on.
  void aLeaseThatIsLostWhileARequestIsOutDoesNoHarm() {
    for (int nth = 1; nth < kMost; ++nth) {
      test::SyncRig rig;
      // With the field known, since whoever makes it is waited for by the others.
      rig.fillDirectories();
      const JobId id = rig.addPasswordJob(rig.wanted(42));
      int requests = 0;
      bool whole = true;
      std::function<void()> count = [&] {
        if (++requests < nth) return rig.account.before("", count);
        whole = false;
        rig.passLease();
        expectOnce(rig, rig.finish(id), "request " + std::to_string(nth) + ", taken over: ");
      };
      rig.account.before("", count);
      rig.runAndDie(id);
      if (whole) return;
      // What was on its way when the lease ended is set twice, which does no harm to what is set;
      // an automation may be entered again: its request was out all along.
      const auto written = rig.account.written();
      CPPUNIT_ASSERT(std::set<std::string>(written.begin(), written.end()).size() <= 1);
      CPPUNIT_ASSERT(rig.knows(42, rig.password()));
      CPPUNIT_ASSERT(rig.job(id)->sealed.empty());
      CPPUNIT_ASSERT(rig.job(id)->state == JobState::kDone);
    }
    CPPUNIT_FAIL("the job makes requests without end");
  }

  void withADefaultPasswordTheSameHolds() {
    which_ = Password::kDefault;
    dieAtEachRequest(Fault::kRequestLost);
    dieAtEachRequest(Fault::kAnswerLost);
    dieAtEachWrite();
  }

  void withAPasswordOfTheirsTheSameHolds() {
    which_ = Password::kTheirs;
    dieAtEachRequest(Fault::kRequestLost);
    dieAtEachRequest(Fault::kAnswerLost);
    dieAtEachWrite();
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(PasswordJobCrashTest);

}  // namespace mbr::sync
