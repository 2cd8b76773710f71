#include "members/delivery_rig.h"

namespace mbr::members {

using Status = Receipt::Status;
using Password = Receipt::Password;

// What a delivery asks for beyond its data.
class FollowUpTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FollowUpTest);
  CPPUNIT_TEST(aPasswordJobIsQueuedWithItsSteps);
  CPPUNIT_TEST(thePasswordJobReadsTheContactSoNoRefreshIsNeeded);
  CPPUNIT_TEST(aCopyWithinTheWindowIsADuplicateWhoseDataIsApplied);
  CPPUNIT_TEST(aCopyAfterTheWindowWhileTheJobIsOpenIsADuplicate);
  CPPUNIT_TEST(aCopyAfterTheWindowAndTheJobStartsAnew);
  CPPUNIT_TEST(aCopyWithinTheWindowAfterTheJobIsADuplicate);
  CPPUNIT_TEST(copiesDoNotProlongTheWindow);
  CPPUNIT_TEST(theOrderOfTagsMakesNoDifference);
  CPPUNIT_TEST(anotherFollowUpWhileOneIsOpenWaitsBehindIt);
  CPPUNIT_TEST(theSameOtherFollowUpTwiceWaitsOnce);
  CPPUNIT_TEST(aFollowUpThatIsStillWorkedOffIsNotStartedAgain);
  CPPUNIT_TEST(onlyAPasswordWhileAJobIsOpenIsADuplicate);
  CPPUNIT_TEST(changedDataWhileTheJobRunsIsReadAgain);
  CPPUNIT_TEST(changedDataAfterThePasswordIsConfirmedIsReadAgain);
  CPPUNIT_TEST(changedDataIsNotLeftToAPasswordJobThatIsPutOff);
  CPPUNIT_TEST(anUnknownContactIsNamedByItsEmail);
  CPPUNIT_TEST(theDefaultPasswordIsSealedAndNowhereClear);
  CPPUNIT_TEST(autoregisterIsHandedOn);
  CPPUNIT_TEST(eachStepComesOnceTagsFirst);
  CPPUNIT_TEST_SUITE_END();

  test::DeliveryRig rig_;

  static Delivery genpass(std::vector<TagId> tags = {1},
                          std::vector<AutomationId> automations = {5}) {
    return test::DeliveryRig::genpass(42, "a@example.com", std::move(tags), std::move(automations));
  }
  static Delivery other() {
    Delivery delivery = genpass({2}, {6});
    delivery.digest = std::string(16, 'o');
    return delivery;
  }
  Job passwordJob() {
    const auto job = rig_.openJob(kPasswordJob, "42");
    CPPUNIT_ASSERT(job.has_value());
    return *job;
  }
  void end(JobId id) { rig_.setState(id, JobState::kDone); }

  void aPasswordJobIsQueuedWithItsSteps() {
    const Receipt receipt = rig_.apply(genpass());
    CPPUNIT_ASSERT(receipt.status == Status::kAccepted);
    CPPUNIT_ASSERT(receipt.password == Password::kQueued);
    CPPUNIT_ASSERT_EQUAL(1, rig_.woken);
    const Job job = passwordJob();
    CPPUNIT_ASSERT(job.state == JobState::kQueued);
    CPPUNIT_ASSERT(job.lane == Lane::kPassword);
    CPPUNIT_ASSERT(job.contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(job.dueAt == rig_.clock.now());
    const auto payload = readPasswordPayload(job.payload);
    CPPUNIT_ASSERT(payload.ok());
    CPPUNIT_ASSERT(payload->autoregister);
    CPPUNIT_ASSERT(!payload->hasDefault);
    CPPUNIT_ASSERT(sameSteps(payload->steps, stepsOf({1}, {5})));
  }

  void thePasswordJobReadsTheContactSoNoRefreshIsNeeded() {
    rig_.apply(genpass());
    CPPUNIT_ASSERT(rig_.jobsOf(kRefreshJob).empty());
  }

  void aCopyWithinTheWindowIsADuplicateWhoseDataIsApplied() {
    rig_.apply(genpass());
    rig_.clock.advance(std::chrono::seconds{59});
    Delivery copy = genpass();
    copy.firstName = "Grace";
    const Receipt receipt = rig_.apply(copy);
    CPPUNIT_ASSERT(receipt.status == Status::kDuplicate);
    CPPUNIT_ASSERT(receipt.password == Password::kPending);
    CPPUNIT_ASSERT_EQUAL(std::string("Grace"), rig_.contact(42)->firstName);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobs().size());
  }

  void aCopyAfterTheWindowWhileTheJobIsOpenIsADuplicate() {
    rig_.apply(genpass());
    rig_.clock.advance(std::chrono::hours{5});
    CPPUNIT_ASSERT(rig_.apply(genpass()).status == Status::kDuplicate);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobs().size());
  }

  void aCopyAfterTheWindowAndTheJobStartsAnew() {
    rig_.apply(genpass());
    end(passwordJob().id);
    rig_.clock.advance(std::chrono::seconds{61});
    const Receipt receipt = rig_.apply(genpass());
    CPPUNIT_ASSERT(receipt.status == Status::kAccepted);
    CPPUNIT_ASSERT(receipt.password == Password::kQueued);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_.jobsOf(kPasswordJob).size());
  }

  void aCopyWithinTheWindowAfterTheJobIsADuplicate() {
    rig_.apply(genpass());
    end(passwordJob().id);
    CPPUNIT_ASSERT(rig_.apply(genpass()).status == Status::kDuplicate);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kPasswordJob).size());
  }

  void copiesDoNotProlongTheWindow() {
    rig_.apply(genpass());
    end(passwordJob().id);
    rig_.clock.advance(std::chrono::seconds{40});
    CPPUNIT_ASSERT(rig_.apply(genpass()).status == Status::kDuplicate);
    rig_.clock.advance(std::chrono::seconds{40});
    CPPUNIT_ASSERT(rig_.apply(genpass()).status == Status::kAccepted);
  }

  void theOrderOfTagsMakesNoDifference() {
    rig_.apply(genpass({1, 2}, {5, 6}));
    Delivery same = genpass({2, 1}, {6, 5});
    same.digest = std::string(16, 'x');
    CPPUNIT_ASSERT(rig_.apply(same).status == Status::kDuplicate);
  }

  void anotherFollowUpWhileOneIsOpenWaitsBehindIt() {
    rig_.apply(genpass());
    const Receipt receipt = rig_.apply(other());
    CPPUNIT_ASSERT(receipt.status == Status::kAccepted);
    CPPUNIT_ASSERT(receipt.password == Password::kPending);
    const std::vector<Job> followUps = rig_.jobsOf(kFollowUpJob);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, followUps.size());
    CPPUNIT_ASSERT(followUps[0].state == JobState::kWaiting);
    CPPUNIT_ASSERT_EQUAL(passwordJob().id, followUps[0].after);
    CPPUNIT_ASSERT(sameSteps(readPasswordPayload(followUps[0].payload)->steps, stepsOf({2}, {6})));
  }

  void theSameOtherFollowUpTwiceWaitsOnce() {
    rig_.apply(genpass());
    rig_.apply(other());
    rig_.clock.advance(std::chrono::seconds{61});
    CPPUNIT_ASSERT(rig_.apply(other()).status == Status::kDuplicate);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kFollowUpJob).size());
  }

  void aFollowUpThatIsStillWorkedOffIsNotStartedAgain() {
    rig_.apply(genpass());
    rig_.apply(other());
    end(passwordJob().id);
    CPPUNIT_ASSERT(rig_.jobsOf(kFollowUpJob)[0].state == JobState::kQueued);
    rig_.clock.advance(std::chrono::seconds{61});
    CPPUNIT_ASSERT(rig_.apply(other()).status == Status::kDuplicate);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobsOf(kPasswordJob).size());
  }

  void onlyAPasswordWhileAJobIsOpenIsADuplicate() {
    rig_.apply(genpass());
    Delivery bare = genpass({}, {});
    bare.digest = std::string(16, 'b');
    const Receipt receipt = rig_.apply(bare);
    CPPUNIT_ASSERT(receipt.status == Status::kDuplicate);
    CPPUNIT_ASSERT(receipt.password == Password::kPending);
  }

  void changedDataWhileTheJobRunsIsReadAgain() {
    rig_.apply(genpass());
    rig_.claim();
    Delivery copy = genpass();
    copy.firstName = "Grace";
    rig_.apply(copy);
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "42").has_value());
  }

  void changedDataAfterThePasswordIsConfirmedIsReadAgain() {
    rig_.apply(genpass());
    rig_.write([&](store::Transaction& tx) {
      Job job = *tx.findOpenJob(kPasswordJob, "42");
      PasswordPayload payload = *readPasswordPayload(job.payload);
      payload.confirmed = true;  // what is left are steps, which read nothing
      job.payload = write(payload);
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    Delivery copy = genpass();
    copy.firstName = "Grace";
    rig_.apply(copy);
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "42").has_value());
  }

  void changedDataIsNotLeftToAPasswordJobThatIsPutOff() {
    rig_.apply(genpass());
    rig_.write([&](store::Transaction& tx) {
      Job job = *tx.findOpenJob(kPasswordJob, "42");
      job.dueAt = rig_.clock.now() + std::chrono::hours{1};
      CPPUNIT_ASSERT(tx.saveJob(job));
    });
    Delivery copy = genpass();
    copy.firstName = "Grace";
    rig_.apply(copy);
    CPPUNIT_ASSERT(rig_.openJob(kRefreshJob, "42").has_value());
  }

  void anUnknownContactIsNamedByItsEmail() {
    const Receipt receipt = rig_.apply(test::DeliveryRig::genpass({}, "new@example.com", {1}, {5}));
    CPPUNIT_ASSERT(!receipt.contact);
    CPPUNIT_ASSERT(receipt.password == Password::kQueued);
    const auto job = rig_.openJob(kPasswordJob, "email:new@example.com");
    CPPUNIT_ASSERT(job.has_value());
    CPPUNIT_ASSERT(!job->contactId);
    CPPUNIT_ASSERT(rig_.jobsOf(kRefreshJob).empty());
    rig_.clock.advance(std::chrono::hours{1});
    CPPUNIT_ASSERT(rig_.apply(test::DeliveryRig::genpass({}, "new@example.com", {1}, {5})).status ==
                   Status::kDuplicate);
  }

  void theDefaultPasswordIsSealedAndNowhereClear() {
    Delivery delivery = genpass();
    delivery.followUp.defaultPassword = Secret("canary-7261");
    rig_.apply(delivery);
    const Job job = passwordJob();
    CPPUNIT_ASSERT(readPasswordPayload(job.payload)->hasDefault);
    const auto opened = rig_.sealer.open(job.sealed, 0);
    CPPUNIT_ASSERT(opened.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("canary-7261"), opened->reveal());
    for (const char* end : {"", "-wal", "-shm"}) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(end, std::string::npos,
                                   test::readFile(rig_.database->path() + end).find("canary-7261"));
    }
  }

  void autoregisterIsHandedOn() {
    Delivery delivery = genpass();
    delivery.followUp.autoregister = false;
    rig_.apply(delivery);
    CPPUNIT_ASSERT(!readPasswordPayload(passwordJob().payload)->autoregister);
  }

  void eachStepComesOnceTagsFirst() {
    rig_.apply(genpass({2, 1, 2}, {6, 6, 5}));
    const auto steps = readPasswordPayload(passwordJob().payload)->steps;
    std::vector<std::int64_t> ids;
    for (const Step& step : steps) ids.push_back(step.id);
    CPPUNIT_ASSERT(ids == std::vector<std::int64_t>({2, 1, 6, 5}));
    CPPUNIT_ASSERT(steps[1].kind == Step::Kind::kTag);
    CPPUNIT_ASSERT(steps[2].kind == Step::Kind::kAutomation);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(FollowUpTest);

}  // namespace mbr::members
