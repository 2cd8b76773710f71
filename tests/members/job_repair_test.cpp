// retryJob, dropJob, replayDelivery, and the wipe at the operator's word.
#include "members/job_repair.h"

#include "members/replay.h"
#include "members/rig.h"

namespace mbr::test {
namespace {

using members::PasswordPayload;

class JobRepairTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JobRepairTest);
  CPPUNIT_TEST(aQueuedJobIsDueNow);
  CPPUNIT_TEST(aDeadPasswordLosesTheCredentialNobodyKnows);
  CPPUNIT_TEST(aDeadChosenPasswordCannotBeRepeated);
  CPPUNIT_TEST(aDeadJobIsOutdatedOnceAPasswordWasSet);
  CPPUNIT_TEST(whatFollowsADeadJobWaitsForThat);
  CPPUNIT_TEST(endedJobsAreLeftAlone);
  CPPUNIT_TEST(droppingGivesUpWhatWaits);
  CPPUNIT_TEST(aReplayRefreshesAndAsksAgain);
  CPPUNIT_TEST(aReplayBesideAnOpenJobAddsOnlyWhatIsMissing);
  CPPUNIT_TEST(nobodyAndTheErasedAreNotReplayed);
  CPPUNIT_TEST(aWipeThatIsDueLaterIsTakenForward);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { rig_ = std::make_unique<MembersRig>(); }
  void tearDown() override { rig_.reset(); }

 private:
  template <class WorkFn>
  Outcome write(WorkFn work) {
    return rig_->store.write([&](store::Transaction& tx) -> Outcome { return work(tx); });
  }
  Job job(JobId id) {
    std::optional<Job> found;
    rig_->database->read([&](store::Reader& r) { found = r.findJob(id); });
    CPPUNIT_ASSERT(found.has_value());
    return *found;
  }
  std::optional<Credential> credential() {
    std::optional<Credential> found;
    rig_->database->read([&](store::Reader& r) { found = r.findCredential(7); });
    return found;
  }
  Outcome retry(JobId id) {
    return write([&](store::Transaction& tx) { return members::retryJob(tx, id, "cli"); });
  }
  Outcome drop(JobId id) {
    return write([&](store::Transaction& tx) { return members::dropJob(tx, id, "cli"); });
  }
  std::string lastAudit() {
    std::string action;
    rig_->database->read([&](store::Reader& r) {
      const auto rows = r.listAuditOf(7, 1);
      if (!rows.empty()) action = rows[0].action;
    });
    return action;
  }

  JobId addPassword(PasswordPayload payload = {}, JobState end = JobState::kQueued) {
    payload.contactId = 7;
    payload.email = "jane@example.com";
    JobId id = 0;
    rig_->database->write([&](store::Transaction& tx) {
      id = members::enqueuePassword(tx, payload, "");
      if (end == JobState::kQueued) return;
      Job ended = *tx.findJob(id);
      ended.state = end;
      ended.reason = "unavailable: 503";
      tx.saveJob(ended);
    });
    return id;
  }

  JobId addFollowUp(JobId first) {
    PasswordPayload steps;
    steps.contactId = 7;
    steps.steps = members::stepsOf({1}, {});
    JobId id = 0;
    rig_->database->write(
        [&](store::Transaction& tx) { id = members::enqueueFollowUp(tx, first, steps); });
    return id;
  }

  void save(CredentialOrigin origin, const std::string& source = "s") {
    rig_->database->write([&](store::Transaction& tx) {
      Credential made;
      made.contactId = 7;
      made.origin = origin;
      made.hash = "h";
      made.source = source;
      made.changedAt = tx.now();
      tx.saveCredential(made);
    });
  }

  void aQueuedJobIsDueNow() {
    const JobId id = addPassword();
    rig_->database->write([&](store::Transaction& tx) {
      Job later = *tx.findJob(id);
      later.dueAt = tx.now() + std::chrono::hours{1};
      tx.saveJob(later);
    });
    CPPUNIT_ASSERT(retry(id).ok());
    CPPUNIT_ASSERT(job(id).dueAt == rig_->clock.now());
    CPPUNIT_ASSERT_EQUAL(std::string("job_retried"), lastAudit());
  }

  void aDeadPasswordLosesTheCredentialNobodyKnows() {
    PasswordPayload payload;
    payload.issued = true;
    const JobId id = addPassword(payload, JobState::kDead);
    save(CredentialOrigin::kGenerated);
    rig_->clock.advance(std::chrono::hours{1});
    CPPUNIT_ASSERT(retry(id).ok());
    CPPUNIT_ASSERT(!credential());
    CPPUNIT_ASSERT(job(id).state == JobState::kQueued);
    CPPUNIT_ASSERT(job(id).createdAt == rig_->clock.now());
    CPPUNIT_ASSERT(!members::readPasswordPayload(job(id).payload)->issued);
  }

  void aDeadChosenPasswordCannotBeRepeated() {
    PasswordPayload payload;
    payload.wish = PasswordPayload::Wish::kChosen;
    const JobId id = addPassword(payload, JobState::kDead);
    CPPUNIT_ASSERT(retry(id).error().code == Code::kConflict);
    CPPUNIT_ASSERT(job(id).state == JobState::kDead);
  }

  void aDeadJobIsOutdatedOnceAPasswordWasSet() {
    const JobId id = addPassword({}, JobState::kDead);
    rig_->clock.advance(std::chrono::hours{1});
    save(CredentialOrigin::kSet);
    CPPUNIT_ASSERT(retry(id).error().code == Code::kConflict);
    CPPUNIT_ASSERT(credential().has_value());
  }

  void whatFollowsADeadJobWaitsForThat() {
    const JobId first = addPassword();
    const JobId second = addFollowUp(first);
    rig_->database->write([&](store::Transaction& tx) {
      Job dead = *tx.findJob(first);
      dead.state = JobState::kDead;
      tx.saveJob(dead);
    });
    CPPUNIT_ASSERT(job(second).state == JobState::kDead);
    CPPUNIT_ASSERT(retry(second).error().code == Code::kConflict);
    CPPUNIT_ASSERT(retry(first).ok());
    CPPUNIT_ASSERT(retry(second).ok());
    CPPUNIT_ASSERT(job(second).state == JobState::kWaiting);
  }

  void endedJobsAreLeftAlone() {
    for (const JobState end : {JobState::kDone, JobState::kRefused, JobState::kDropped}) {
      const JobId id = addPassword({}, end);
      CPPUNIT_ASSERT(retry(id).error().code == Code::kConflict);
      CPPUNIT_ASSERT(drop(id).error().code == Code::kConflict);
    }
    CPPUNIT_ASSERT(retry(99).error().code == Code::kNotFound);
    CPPUNIT_ASSERT(drop(99).error().code == Code::kNotFound);
  }

  void droppingGivesUpWhatWaits() {
    const JobId first = addPassword();
    const JobId second = addFollowUp(first);
    CPPUNIT_ASSERT(drop(first).ok());
    CPPUNIT_ASSERT(job(first).state == JobState::kDropped);
    CPPUNIT_ASSERT(job(second).state == JobState::kDead);
    CPPUNIT_ASSERT_EQUAL(std::string("job_dropped"), lastAudit());
  }

  static store::DeliveryRecord delivery(std::optional<ContactId> contact) {
    store::DeliveryRecord record;
    record.id = 3;
    record.contactId = contact;
    record.followUp = R"({"password":true,"tags":[1,2],"automations":[4],"autoregister":false})";
    return record;
  }

  Result<members::Replay> replay(const store::DeliveryRecord& record) {
    Result<members::Replay> result = Error{};
    const members::Tombstones tombstones(rig_->keys);
    rig_->database->write(
        [&](store::Transaction& tx) { result = members::replayDelivery(tx, record, tombstones); });
    return result;
  }

  void aReplayRefreshesAndAsksAgain() {
    const auto done = replay(delivery(7));
    CPPUNIT_ASSERT(done.ok());
    CPPUNIT_ASSERT_EQUAL(std::string(members::kRefreshJob), job(done->refresh).kind);
    const Job asked = job(done->followUp.value());
    CPPUNIT_ASSERT_EQUAL(std::string(members::kPasswordJob), asked.kind);
    const auto payload = members::readPasswordPayload(asked.payload);
    CPPUNIT_ASSERT(!payload->autoregister && !payload->hasDefault);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, payload->steps.size());
    auto plain = delivery(7);
    plain.followUp.clear();
    CPPUNIT_ASSERT(!replay(plain)->followUp);
  }

  void aReplayBesideAnOpenJobAddsOnlyWhatIsMissing() {
    const JobId open = addPassword();
    const auto first = replay(delivery(7));
    CPPUNIT_ASSERT_EQUAL(std::string(members::kFollowUpJob), job(*first->followUp).kind);
    CPPUNIT_ASSERT_EQUAL(open, job(*first->followUp).after);
    const auto second = replay(delivery(7));
    CPPUNIT_ASSERT_EQUAL(*first->followUp, *second->followUp);
    CPPUNIT_ASSERT_EQUAL(first->refresh, second->refresh);
  }

  void nobodyAndTheErasedAreNotReplayed() {
    CPPUNIT_ASSERT(replay(delivery(std::nullopt)).error().code == Code::kNotFound);
    const members::Tombstones tombstones(rig_->keys);
    rig_->database->write(
        [&](store::Transaction& tx) { tombstones.bury(tx, 7, std::nullopt, "cli"); });
    CPPUNIT_ASSERT(replay(delivery(7)).error().code == Code::kConflict);
  }

  void aWipeThatIsDueLaterIsTakenForward() {
    using members::PasswordIssuer;
    Result<JobId> wiped = Error{};
    const auto wipe = [&](store::Transaction& tx) { wiped = PasswordIssuer::wipeNow(tx, 7); };
    rig_->database->write(wipe);
    CPPUNIT_ASSERT(wiped.error().code == Code::kNotFound);
    save(CredentialOrigin::kGenerated);
    rig_->database->write([](store::Transaction& tx) {
      PasswordIssuer::enqueueWipe(tx, 7, tx.now() + std::chrono::hours{20});
    });
    rig_->database->write(wipe);
    CPPUNIT_ASSERT(wiped.ok());
    CPPUNIT_ASSERT(job(*wiped).dueAt == rig_->clock.now());
    CPPUNIT_ASSERT(PasswordIssuer::isAskedFor(job(*wiped)));
  }

  std::unique_ptr<MembersRig> rig_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(JobRepairTest);

}  // namespace
}  // namespace mbr::test
