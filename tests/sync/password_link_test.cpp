#include "members/password_changer.h"
#include "members/password_links.h"

#include "sync/rig.h"

namespace mbr::sync {

using namespace std::chrono_literals;
using members::PasswordLinks;
using members::PasswordPayload;
using Wish = PasswordPayload::Wish;

// password.policy link, and links that were asked for.
class PasswordLinkTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PasswordLinkTest);
  CPPUNIT_TEST(whoHasNoPasswordGetsALinkAndThenTheTags);
  CPPUNIT_TEST(nothingOfTheLinkIsKeptInClear);
  CPPUNIT_TEST(aLinkThatWorksIsNotReplaced);
  CPPUNIT_TEST(anExpiredOneIs);
  CPPUNIT_TEST(aPullDoesNotTakeItForAPassword);
  CPPUNIT_TEST(aRetryWritesTheSameLink);
  CPPUNIT_TEST(aDefaultPasswordIsTakenAsGiven);
  CPPUNIT_TEST(withoutALocalMemberAPasswordIsIssued);
  CPPUNIT_TEST(underKeepALinkInTheFieldIsNoPasswordEither);
  CPPUNIT_TEST(oneThatIsAskedForReplacesWhatIsThere);
  CPPUNIT_TEST(aChosenPasswordEmptiesTheField);
  CPPUNIT_TEST(aChoiceOutlivesAReplacementThatWasAskedForBefore);
  CPPUNIT_TEST(aTextThatLooksLikeALinkAndIsNoneIsAPassword);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<test::SyncRig> rig_ = std::make_unique<test::SyncRig>(PasswordPolicy::kLink);

  void use(PasswordPolicy policy) {
    rig_.reset();
    rig_ = std::make_unique<test::SyncRig>(policy);
    rig_->known(42, "a@example.com");
  }
  std::string& field() { return rig_->account.people[42].fields[3]; }
  std::optional<ContactId> owner(const std::string& text) {
    return rig_->read([&](store::Reader& reader) {
      return rig_->links.ownerOfLink(reader, Secret(text), rig_->clock.now());
    });
  }
  void assertLink() {
    CPPUNIT_ASSERT_EQUAL(std::string("https://www.example.com/membergate/link?t="),
                         field().substr(0, field().size() - 43));
    CPPUNIT_ASSERT(owner(field()) == ContactId{42});
    CPPUNIT_ASSERT(!rig_->credential(42));
  }
  Job wish(Wish wish) {
    PasswordPayload payload;
    payload.contactId = 42;
    payload.email = "a@example.com";
    payload.wish = wish;
    payload.singly = true;
    payload.issued = wish == Wish::kCleared;
    return *rig_->job(rig_->addPasswordJob(payload));
  }
  void choose(const std::string& text) {
    rig_->write([&](store::Transaction& tx) {
      tx.saveCredential(
          rig_->hasher.makeSlow(42, Secret(text), CredentialOrigin::kSet, rig_->clock.now()));
    });
  }

 public:
  void setUp() override { rig_->known(42, "a@example.com"); }
  void tearDown() override { rig_.reset(); }

 private:
  void whoHasNoPasswordGetsALinkAndThenTheTags() {
    const Job job = rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    assertLink();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_->tagsInAccount().size());
  }

  void nothingOfTheLinkIsKeptInClear() {
    const Job job = rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    const std::string token = field().substr(field().size() - 43);
    CPPUNIT_ASSERT(job.sealed.empty());
    CPPUNIT_ASSERT(job.payload.find(token) == std::string::npos);
    CPPUNIT_ASSERT(!rig_->read([&](store::Reader& reader) { return reader.findLink(token); }));
  }

  void aLinkThatWorksIsNotReplaced() {
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    const std::string first = field();
    rig_->clock.advance(6 * 24h);
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    CPPUNIT_ASSERT_EQUAL(first, field());
    CPPUNIT_ASSERT_EQUAL(1, rig_->account.count("PUT"));
  }

  void anExpiredOneIs() {
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    const std::string first = field();
    rig_->clock.advance(8 * 24h);
    CPPUNIT_ASSERT(!owner(first));
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    CPPUNIT_ASSERT(first != field());
    assertLink();
  }

  void aPullDoesNotTakeItForAPassword() {
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    rig_->clock.advance(1s);
    ContactSnapshot snapshot;
    snapshot.id = 42;
    snapshot.email = test::email("a@example.com");
    snapshot.password = Secret(field());
    snapshot.sentAt = rig_->clock.now();
    rig_->write([&](store::Transaction& tx) { rig_->updater.applySnapshot(tx, snapshot); });
    CPPUNIT_ASSERT(!rig_->credential(42));
  }

  void aRetryWritesTheSameLink() {
    rig_->fillDirectories();
    const JobId id = rig_->addPasswordJob(rig_->wanted(42));
    rig_->account.failFrom(2, test::FakeAccount::Fault::kAnswerLost);
    rig_->runAndDie(id);
    rig_->account.heal();
    const std::string written = field();
    CPPUNIT_ASSERT(PasswordLinks::isLink(Secret(written)));
    rig_->passLease();
    rig_->finish(id);
    CPPUNIT_ASSERT_EQUAL(written, field());
    assertLink();
  }

  void aDefaultPasswordIsTakenAsGiven() {
    PasswordPayload payload = rig_->wanted(42);
    payload.hasDefault = true;
    rig_->finish(rig_->addPasswordJob(payload, rig_->sealer.seal(Secret("welcome-2-us"), 0)));
    CPPUNIT_ASSERT_EQUAL(std::string("welcome-2-us"), field());
    CPPUNIT_ASSERT(rig_->knows(42, "welcome-2-us"));
  }

  void withoutALocalMemberAPasswordIsIssued() {
    PasswordPayload payload = rig_->wanted(42);
    payload.autoregister = false;
    rig_->finish(rig_->addPasswordJob(payload));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, field().size());
    CPPUNIT_ASSERT(!rig_->credential(42));
  }

  void underKeepALinkInTheFieldIsNoPasswordEither() {
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    const std::string link = field();
    use(PasswordPolicy::kKeep);
    field() = link;  // of another database: it works no more
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, field().size());
    CPPUNIT_ASSERT(rig_->knows(42, field()));
  }

  void oneThatIsAskedForReplacesWhatIsThere() {
    use(PasswordPolicy::kKeep);
    field() = "theirs!";
    rig_->write([&](store::Transaction& tx) { rig_->issuer.adopt(tx, 42, Secret("theirs!")); });
    const Job job = rig_->finish(wish(Wish::kLink).id);
    CPPUNIT_ASSERT(members::readPasswordPayload(job.payload)->issued);
    CPPUNIT_ASSERT(owner(field()) == ContactId{42});
    CPPUNIT_ASSERT(rig_->knows(42, "theirs!"));  // until another is set
  }

  void aChosenPasswordEmptiesTheField() {
    rig_->finish(rig_->addPasswordJob(rig_->wanted(42)));
    choose("a fine password");
    const Job job = rig_->finish(wish(Wish::kCleared).id);
    CPPUNIT_ASSERT(job.state == JobState::kDone);
    CPPUNIT_ASSERT_EQUAL(std::string(), field());
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
    CPPUNIT_ASSERT(rig_->credential(42)->wipedAt.has_value());
  }

  void aChoiceOutlivesAReplacementThatWasAskedForBefore() {
    use(PasswordPolicy::kWipeOnLogin);
    PasswordPayload payload;
    payload.contactId = 42;
    payload.email = "a@example.com";
    payload.wish = Wish::kReplace;
    payload.singly = true;
    const JobId replace = rig_->addPasswordJob(payload);
    rig_->clock.advance(1s);
    choose("a fine password");
    payload.wish = Wish::kCleared;
    payload.issued = true;
    Job clear;
    clear.kind = members::kPasswordJob;
    clear.lane = Lane::kSite;
    clear.contactId = 42;
    clear.payload = members::write(payload);
    const JobId cleared = rig_->addJob(clear);
    rig_->finish(replace);
    rig_->finish(cleared);
    CPPUNIT_ASSERT_EQUAL(std::string(), field());
    CPPUNIT_ASSERT(rig_->knows(42, "a fine password"));
  }

  void aTextThatLooksLikeALinkAndIsNoneIsAPassword() {
    const std::string token(43, 'x');
    CPPUNIT_ASSERT(PasswordLinks::isLink(Secret("https://a.b/membergate/link?t=" + token)));
    CPPUNIT_ASSERT(PasswordLinks::isLink(Secret("http://127.0.0.1:80/membergate/link?t=" + token)));
    for (const std::string text : {"", "x", "https://a.b/link", "/membergate/link?t="}) {
      CPPUNIT_ASSERT_MESSAGE(text, !PasswordLinks::isLink(Secret(text)));
    }
    CPPUNIT_ASSERT(!PasswordLinks::isLink(Secret("/membergate/link?t=" + token)));
    CPPUNIT_ASSERT(!PasswordLinks::isLink(Secret("https://a.b/membergate/link?t=" + token + "!")));
    CPPUNIT_ASSERT(!PasswordLinks::isLink(Secret("https://a.b/other/link?t=" + token)));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PasswordLinkTest);

}  // namespace mbr::sync
