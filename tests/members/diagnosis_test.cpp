#include "members/diagnosis.h"

#include "members/rig.h"

namespace mbr::test {
namespace {

using members::CaseFile;
using members::diagnose;

class DiagnosisTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DiagnosisTest);
  CPPUNIT_TEST(nothingWrongMeansAnotherPassword);
  CPPUNIT_TEST(aResetIsAskedForByTheEmailAlone);
  CPPUNIT_TEST(whoIsNotKnownIsComparedWithWhoIsAlmostTheSame);
  CPPUNIT_TEST(erasedAndDeletedAreToldApart);
  CPPUNIT_TEST(anEmailThatMovedIsNamed);
  CPPUNIT_TEST(aBanGoesBeforeAllElse);
  CPPUNIT_TEST(aThrottleSaysHowLong);
  CPPUNIT_TEST(aPasswordOnItsWayShowsActiveCampaignsAnswer);
  CPPUNIT_TEST(aPasswordThatDiedNamesTheJob);
  CPPUNIT_TEST(aConfirmedJobThatDiedLaterIsNoFault);
  CPPUNIT_TEST(aChosenPasswordIsInForceWhateverItsJobDoes);
  CPPUNIT_TEST(linksAreUnusedOrExpired);
  CPPUNIT_TEST(autoregisterNoIsSeen);
  CPPUNIT_TEST(nobodyAskedIsToldFromALostPassword);
  CPPUNIT_TEST(missingTagsAndRulesAreTwoThings);
  CPPUNIT_TEST(whatCannotBeReadIsUnconfirmed);
  CPPUNIT_TEST(noOtherContactsEmailIsShown);
  CPPUNIT_TEST(lettersThatDiffer);
  CPPUNIT_TEST_SUITE_END();

  const Instant now_ = fromEpochMs(1'700'000'000'000);

  // A member with whom all is well.
  CaseFile member() const {
    CaseFile file;
    file.now = now_;
    file.question.email = email("jane@example.com");
    file.settings.maxAge = std::chrono::minutes{5};
    file.sweptOnce = true;
    Contact contact;
    contact.id = 7;
    contact.email = file.question.email;
    contact.pulledAt = now_ - std::chrono::minutes{1};
    contact.confirmed = true;
    file.contact = contact;
    Credential credential;
    credential.contactId = 7;
    credential.changedAt = now_ - std::chrono::hours{2};
    file.credential = credential;
    return file;
  }

  Job passwordJob(JobState state, bool confirmed, const std::string& reason) const {
    members::PasswordPayload payload;
    payload.contactId = 7;
    payload.issued = true;
    payload.confirmed = confirmed;
    Job job;
    job.id = 12;
    job.kind = members::kPasswordJob;
    job.state = state;
    job.payload = members::write(payload);
    job.reason = reason;
    job.attempts = 3;
    job.createdAt = now_ - std::chrono::hours{3};
    job.endedAt = isOpen(state) ? Instant{} : now_ - std::chrono::hours{1};
    return job;
  }

  static void expect(const std::string& code, const CaseFile& file) {
    const auto verdict = diagnose(file).verdict;
    CPPUNIT_ASSERT_EQUAL_MESSAGE(verdict.sentence, code, verdict.code);
    CPPUNIT_ASSERT(!verdict.sentence.empty() && !verdict.cure.empty());
    CPPUNIT_ASSERT_EQUAL(code == "may_log_in", verdict.mayLogIn());
  }

  static bool mentions(const CaseFile& file, const std::string& text) {
    const auto diagnosis = diagnose(file);
    std::string all = diagnosis.verdict.sentence + '\n' + diagnosis.verdict.cure;
    for (const auto& finding : diagnosis.findings) all += '\n' + finding.what;
    return all.find(text) != std::string::npos;
  }

  void nothingWrongMeansAnotherPassword() {
    expect("may_log_in", member());
    for (const auto& finding : diagnose(member()).findings) {
      CPPUNIT_ASSERT_MESSAGE(finding.what, finding.mark != members::Mark::kBad);
    }
  }

  void aResetIsAskedForByTheEmailAlone() {
    CaseFile file = member();
    CPPUNIT_ASSERT(mentions(file, "password reset " + file.question.email->text()));
    file.question = {7, std::nullopt};
    CPPUNIT_ASSERT(mentions(file, "membergate password reset EMAIL;"));
    CPPUNIT_ASSERT(mentions(file, "membergate contact trace 7"));
  }

  void whoIsNotKnownIsComparedWithWhoIsAlmostTheSame() {
    CaseFile file = member();
    file.contact.reset();
    file.credential.reset();
    expect("unknown", file);
    CPPUNIT_ASSERT(mentions(file, "membergate sync"));
    file.lookAlikes = {8};
    CPPUNIT_ASSERT(mentions(file, "contact show 8"));
  }

  void erasedAndDeletedAreToldApart() {
    CaseFile file = member();
    file.contact->deletedAt = now_;
    expect("deleted", file);
    file.contact.reset();
    file.erasedAt = now_;
    expect("erased", file);
  }

  void anEmailThatMovedIsNamed() {
    CaseFile file = member();
    file.question = {7, std::nullopt};
    file.contact->email.reset();
    expect("email_moved", file);
  }

  void aBanGoesBeforeAllElse() {
    CaseFile file = member();
    file.credential.reset();
    file.entitlement = members::Entitlement::kBanned;
    file.settings.banTag = "Banned";
    expect("banned", file);
    CPPUNIT_ASSERT(mentions(file, "Banned"));
  }

  void aThrottleSaysHowLong() {
    CaseFile file = member();
    file.throttle = CaseFile::Throttle{120, std::chrono::seconds{41}};
    expect("throttled", file);
    CPPUNIT_ASSERT(mentions(file, "42 s"));
    file.throttle->wait = Milliseconds{0};
    expect("may_log_in", file);
  }

  void aPasswordOnItsWayShowsActiveCampaignsAnswer() {
    CaseFile file = member();
    file.jobs = {passwordJob(JobState::kQueued, false, "unavailable: 503")};
    expect("password_pending", file);
    CPPUNIT_ASSERT(mentions(file, "unavailable: 503"));
    file.credential->changedAt = file.jobs[0].createdAt - std::chrono::hours{1};
    expect("may_log_in", file);  // an older password is in force meanwhile
  }

  void aPasswordThatDiedNamesTheJob() {
    CaseFile file = member();
    file.jobs = {passwordJob(JobState::kDead, false, "denied: 403")};
    expect("password_failed", file);
    CPPUNIT_ASSERT(mentions(file, "membergate jobs retry 12"));
    file.credential->changedAt = now_;
    expect("may_log_in", file);  // another one has been set since
  }

  void aConfirmedJobThatDiedLaterIsNoFault() {
    CaseFile file = member();
    file.jobs = {passwordJob(JobState::kDead, true, "denied: 403")};
    expect("may_log_in", file);
  }

  void aChosenPasswordIsInForceWhateverItsJobDoes() {
    CaseFile file = member();
    file.jobs = {passwordJob(JobState::kQueued, false, "unavailable: 503")};
    auto payload = *members::readPasswordPayload(file.jobs[0].payload);
    payload.wish = members::PasswordPayload::Wish::kChosen;
    file.jobs[0].payload = members::write(payload);
    expect("may_log_in", file);
  }

  void linksAreUnusedOrExpired() {
    CaseFile file = member();
    file.credential.reset();
    file.links = {{"", 7, now_, now_ + std::chrono::hours{1}, std::nullopt}};
    expect("link_unused", file);
    file.links[0].expiresAt = now_;
    expect("link_expired", file);
  }

  store::DeliveryRecord delivery(const std::string& followUp) const {
    store::DeliveryRecord record;
    record.id = 5;
    record.receivedAt = now_;
    record.route = "mbr_genpass";
    record.status = "accepted";
    record.followUp = followUp;
    return record;
  }

  void autoregisterNoIsSeen() {
    CaseFile file = member();
    file.credential.reset();
    file.deliveries = {delivery(R"({"password":true,"autoregister":false})")};
    expect("not_registered", file);
  }

  void nobodyAskedIsToldFromALostPassword() {
    CaseFile file = member();
    file.credential.reset();
    expect("never_asked", file);
    file.deliveries = {delivery("")};
    expect("never_asked", file);
    file.deliveries = {delivery(R"({"password":true,"autoregister":true})")};
    expect("no_password", file);
    CPPUNIT_ASSERT(mentions(file, "membergate replay 5"));
  }

  void missingTagsAndRulesAreTwoThings() {
    CaseFile file = member();
    file.gate = CaseFile::Gate{"gold", false, false};
    expect("rule_refuses", file);
    file.settings.requiredTags = {"Member", "12"};
    file.entitlement = members::Entitlement::kTagMissing;
    expect("tag_missing", file);
    CPPUNIT_ASSERT(mentions(file, "Member, 12"));
  }

  void whatCannotBeReadIsUnconfirmed() {
    CaseFile file = member();
    file.contact->confirmed = false;
    expect("may_log_in", file);
    Job refresh;
    refresh.kind = members::kRefreshJob;
    refresh.reason = "unavailable: no answer";
    file.jobs = {refresh};
    expect("unconfirmed", file);
  }

  void noOtherContactsEmailIsShown() {
    MembersRig rig;
    rig.database->write([](store::Transaction& tx) {
      Contact contact;
      contact.id = 8;
      contact.email = email("jane@exmaple.com");
      tx.saveContact(contact);
    });
    const members::Tombstones tombstones(rig.keys);
    CaseFile file;
    rig.database->read([&](store::Reader& reader) {
      file = members::readCase(reader, {std::nullopt, email("jane@example.com")}, {}, tombstones,
                               *rig.directories.names(), now_);
    });
    CPPUNIT_ASSERT(file.lookAlikes == std::vector<ContactId>{8});
    CPPUNIT_ASSERT(!mentions(file, "exmaple"));
    CPPUNIT_ASSERT(mentions(file, "contact 8"));
  }

  void lettersThatDiffer() {
    using members::looksAlike;
    CPPUNIT_ASSERT(looksAlike("jane@example.com", "jane@exmaple.com"));
    CPPUNIT_ASSERT(looksAlike("jane@example.com", "jane@example.co"));
    CPPUNIT_ASSERT(looksAlike("ab", "ba"));
    CPPUNIT_ASSERT(looksAlike("abc", "abxyc"));
    CPPUNIT_ASSERT(!looksAlike("abc", "abxyzc"));
    CPPUNIT_ASSERT(!looksAlike("jane@example.com", "john@example.com"));
    CPPUNIT_ASSERT(looksAlike("", "ab") && !looksAlike("", "abc"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DiagnosisTest);

}  // namespace
}  // namespace mbr::test
