#include "members/password_wiper.h"

#include "sync/rig.h"

namespace mbr::sync {

using namespace std::chrono_literals;
using members::PasswordIssuer;

// password.policy wipe-*: the field is emptied of a password that has done its work.
class WipeJobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WipeJobTest);
  CPPUNIT_TEST(aGeneratedOneIsWipedADayAfterItWasIssued);
  CPPUNIT_TEST(anAdoptedOneIsWipedToo);
  CPPUNIT_TEST(whatIsWipedIsKeptAsASlowHashAndStillRight);
  CPPUNIT_TEST(sessionsLiveOn);
  CPPUNIT_TEST(anotherTextIsNotWipedButAdopted);
  CPPUNIT_TEST(anEmptyFieldIsNotWrittenTo);
  CPPUNIT_TEST(aLinkStays);
  CPPUNIT_TEST(aNewerPasswordGetsItsFullTime);
  CPPUNIT_TEST(aReadThatWasSentBeforeIsNotAdopted);
  CPPUNIT_TEST(anAnswerThatWasLostIsMadeUpFor);
  CPPUNIT_TEST(itWaitsForAnOpenPasswordJob);
  CPPUNIT_TEST(oneOfBeforeThePolicyIsFoundByAPull);
  CPPUNIT_TEST(underKeepNothingIsWiped);
  CPPUNIT_TEST(onLoginTheWipeIsQueuedOnce);
  CPPUNIT_TEST(whatIsNotInTheFieldIsNotQueued);
  CPPUNIT_TEST_SUITE_END();

  struct Rig : test::SyncRig {
    explicit Rig(PasswordPolicy policy)
        : SyncRig(policy), wiper(store, hasher, pool, policy, [this] { dispatcher.wake(); }) {
      workshop.wiper = &wiper;
      known(42, "a@example.com");
    }
    passwords::HashPool pool{{1, 8}};
    members::PasswordWiper wiper;

    void issue() { finish(addPasswordJob(wanted(42))); }
    std::optional<Job> wipe() { return openJob(members::kWipeJob, "42"); }
    void adopt(const std::string& text) {
      account.people[42].fields[3] = text;
      write([&](store::Transaction& tx) { issuer.adopt(tx, 42, Secret(text)); });
    }
    void show(const std::string& text, Instant sentAt) {
      ContactSnapshot snapshot;
      snapshot.id = 42;
      snapshot.email = test::email("a@example.com");
      snapshot.password = Secret(text);
      snapshot.sentAt = sentAt;
      write([&](store::Transaction& tx) { updater.applySnapshot(tx, snapshot); });
    }
    void assertWiped(const std::string& text) {
      CPPUNIT_ASSERT_EQUAL(std::string(), password());
      CPPUNIT_ASSERT(knows(42, text));
      const auto kept = credential(42);
      CPPUNIT_ASSERT(kept->source.empty());
      CPPUNIT_ASSERT(kept->wipedAt.has_value());
    }
  };

  std::unique_ptr<Rig> rig_ = std::make_unique<Rig>(PasswordPolicy::kWipeAfter);

  void use(PasswordPolicy policy) {
    rig_.reset();
    rig_ = std::make_unique<Rig>(policy);
  }

 public:
  void tearDown() override { rig_.reset(); }

 private:
  void aGeneratedOneIsWipedADayAfterItWasIssued() {
    const Instant issued = rig_->clock.now();
    rig_->issue();
    const std::string text = rig_->password();
    const auto job = rig_->wipe();
    CPPUNIT_ASSERT(job && job->dueAt >= issued + 24h);
    rig_->finish(job->id);
    rig_->assertWiped(text);
  }

  void anAdoptedOneIsWipedToo() {
    rig_->adopt("theirs!");
    rig_->finish(rig_->wipe()->id);
    rig_->assertWiped("theirs!");
  }

  void whatIsWipedIsKeptAsASlowHashAndStillRight() {
    rig_->issue();
    CPPUNIT_ASSERT(rig_->credential(42)->kind == CredentialKind::kFast);
    rig_->finish(rig_->wipe()->id);
    CPPUNIT_ASSERT(rig_->credential(42)->kind == CredentialKind::kSlow);
    CPPUNIT_ASSERT(!rig_->hasher.needsUpgrade(*rig_->credential(42)));
  }

  void sessionsLiveOn() {
    rig_->issue();
    rig_->write([&](store::Transaction& tx) {
      tx.saveSession({"digest", 42, "password", tx.now(), tx.now(), tx.now() + 24h});
    });
    rig_->finish(rig_->wipe()->id);
    CPPUNIT_ASSERT(rig_->read([](store::Reader& r) { return r.findSession("digest"); }));
  }

  void anotherTextIsNotWipedButAdopted() {
    rig_->adopt("theirs!");
    rig_->account.people[42].fields[3] = "a newer one";
    rig_->finish(rig_->wipe()->id);
    CPPUNIT_ASSERT_EQUAL(std::string("a newer one"), rig_->password());
    CPPUNIT_ASSERT(rig_->knows(42, "a newer one"));
    // That one has its own time.
    const auto next = rig_->wipe();
    CPPUNIT_ASSERT(next && next->dueAt >= rig_->clock.now() + 23h);
    rig_->finish(next->id);
    rig_->assertWiped("a newer one");
  }

  void anEmptyFieldIsNotWrittenTo() {
    rig_->adopt("theirs!");
    rig_->account.people[42].fields[3] = "";
    rig_->finish(rig_->wipe()->id);
    CPPUNIT_ASSERT_EQUAL(0, rig_->account.count("PUT"));
    CPPUNIT_ASSERT(rig_->credential(42)->source.empty());
  }

  void aLinkStays() {
    rig_->adopt("theirs!");
    std::string url;
    rig_->write([&](store::Transaction& tx) { url = rig_->links.mint(tx, 42).url.reveal(); });
    rig_->account.people[42].fields[3] = url;
    rig_->finish(rig_->wipe()->id);
    CPPUNIT_ASSERT_EQUAL(url, rig_->password());
    CPPUNIT_ASSERT(rig_->knows(42, "theirs!"));
  }

  void aNewerPasswordGetsItsFullTime() {
    rig_->adopt("theirs!");
    rig_->clock.advance(20h);
    rig_->adopt("a newer one");
    const JobId first = rig_->wipe()->id;
    rig_->finish(first);
    CPPUNIT_ASSERT_EQUAL(std::string("a newer one"), rig_->password());
    const auto second = rig_->wipe();
    CPPUNIT_ASSERT(second && second->id != first);
    CPPUNIT_ASSERT(second->dueAt >= rig_->clock.now() + 19h);
  }

  void aReadThatWasSentBeforeIsNotAdopted() {
    rig_->adopt("theirs!");
    const JobId job = rig_->wipe()->id;
    rig_->clock.advance(24h);
    const Instant sent = rig_->clock.now();
    rig_->clock.advance(1s);
    rig_->finish(job);
    const std::string hash = rig_->credential(42)->hash;
    rig_->show("theirs!", sent);
    CPPUNIT_ASSERT(rig_->credential(42)->hash == hash);
    CPPUNIT_ASSERT(rig_->credential(42)->source.empty());
  }

  void anAnswerThatWasLostIsMadeUpFor() {
    rig_->adopt("theirs!");
    const JobId job = rig_->wipe()->id;
    rig_->clock.advance(24h);
    rig_->account.answerOnce("PUT contacts", 503, "{}");
    rig_->finish(job);
    rig_->assertWiped("theirs!");
  }

  void itWaitsForAnOpenPasswordJob() {
    rig_->adopt("theirs!");
    rig_->clock.advance(24h);
    const JobId wipe = rig_->wipe()->id;
    const JobId password = rig_->addPasswordJob(rig_->wanted(42));
    rig_->write([&](store::Transaction& tx) {
      Job later = *tx.findJob(password);
      later.dueAt = rig_->clock.now() + 1h;
      tx.saveJob(later);
    });
    rig_->runAndDie(wipe);
    CPPUNIT_ASSERT_EQUAL(std::string("theirs!"), rig_->password());
  }

  void oneOfBeforeThePolicyIsFoundByAPull() {
    rig_->adopt("theirs!");
    rig_->write([&](store::Transaction& tx) {
      Job job = *tx.findOpenJob(members::kWipeJob, "42");
      job.state = JobState::kDropped;
      tx.saveJob(job);
    });
    rig_->clock.advance(1s);
    rig_->show("theirs!", rig_->clock.now());
    CPPUNIT_ASSERT(rig_->wipe());
  }

  void underKeepNothingIsWiped() {
    use(PasswordPolicy::kKeep);
    rig_->issue();
    CPPUNIT_ASSERT(!rig_->wipe());
    rig_->write(
        [&](store::Transaction& tx) { PasswordIssuer::enqueueWipe(tx, 42, rig_->clock.now()); });
    rig_->finish(rig_->wipe()->id);  // of before, when the policy was another
    CPPUNIT_ASSERT(!rig_->password().empty());
  }

  void onLoginTheWipeIsQueuedOnce() {
    use(PasswordPolicy::kWipeOnLogin);
    rig_->issue();
    CPPUNIT_ASSERT(!rig_->wipe());
    const std::string text = rig_->password();
    rig_->wiper.noteLogin(*rig_->credential(42));
    rig_->wiper.noteLogin(*rig_->credential(42));
    rig_->write([](store::Transaction&) {});  // behind both
    const auto job = rig_->wipe();
    CPPUNIT_ASSERT(job.has_value());
    rig_->finishAll();
    rig_->assertWiped(text);
    CPPUNIT_ASSERT_EQUAL(2, rig_->account.count("PUT"));  // the password and its end
  }

  void whatIsNotInTheFieldIsNotQueued() {
    use(PasswordPolicy::kWipeOnLogin);
    rig_->write([&](store::Transaction& tx) {
      tx.saveCredential(rig_->hasher.makeSlow(42, Secret("a fine password"), CredentialOrigin::kSet,
                                              rig_->clock.now()));
    });
    rig_->wiper.noteLogin(*rig_->credential(42));
    rig_->write([](store::Transaction&) {});
    CPPUNIT_ASSERT(!rig_->wipe());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WipeJobTest);

}  // namespace mbr::sync
