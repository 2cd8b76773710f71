#include "members/change_intake.h"

#include "members/rig.h"

namespace mbr::members {

class ChangeIntakeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChangeIntakeTest);
  CPPUNIT_TEST(aChangeBecomesAJobThatIsWoken);
  CPPUNIT_TEST(aContactThatIsYetToBeFoundIsNotNamed);
  CPPUNIT_TEST(theSameRequestIsTakenOnce);
  CPPUNIT_TEST(anotherRequestUnderTheSameKeyIsToldApart);
  CPPUNIT_TEST(keysOfOtherCallersAreOthers);
  CPPUNIT_TEST(aKeyIsForgottenAfterADay);
  CPPUNIT_TEST(whatTheStoreRefusesIsReportedAndNothingIsKept);
  CPPUNIT_TEST_SUITE_END();

  test::MembersRig rig_;
  int woken_ = 0;
  ChangeIntake intake_{rig_.store, rig_.clock, [this] { ++woken_; }};

  static ChangePayload change(ContactId id = 42) {
    ChangePayload payload;
    payload.contactId = id;
    payload.items.emplace_back();
    payload.items.back().id = 7;
    return payload;
  }
  static ChangeIntake::Once once(std::string request = std::string("a\0b", 3),
                                 std::int64_t key = 1) {
    return {key, "my-key", std::move(request)};
  }
  Result<ChangeIntake::Taken> submit(std::optional<ChangeIntake::Once> once,
                                     ContactId contact = 42) {
    std::promise<Result<ChangeIntake::Taken>> promise;
    auto future = promise.get_future();
    intake_.submit(change(contact), std::move(once),
                   [&](Result<ChangeIntake::Taken> taken) { promise.set_value(std::move(taken)); });
    return test::resultOf(future);
  }

  void aChangeBecomesAJobThatIsWoken() {
    const auto taken = submit(std::nullopt);
    CPPUNIT_ASSERT(taken.ok());
    CPPUNIT_ASSERT(!taken->earlier);
    CPPUNIT_ASSERT_EQUAL(1, woken_);
    const Job job = *rig_.job(taken->job);
    CPPUNIT_ASSERT_EQUAL(std::string(kChangeJob), job.kind);
    CPPUNIT_ASSERT(job.lane == Lane::kSite);
    CPPUNIT_ASSERT(job.contactId == std::optional<ContactId>(42));
    CPPUNIT_ASSERT_EQUAL(write(change()), job.payload);
  }

  void aContactThatIsYetToBeFoundIsNotNamed() {
    const auto taken = submit(std::nullopt, 0);
    CPPUNIT_ASSERT(!rig_.job(taken->job)->contactId);
  }

  void theSameRequestIsTakenOnce() {
    CPPUNIT_ASSERT(!*intake_.findEarlier(once()));
    const auto first = submit(once());
    const auto second = submit(once());
    CPPUNIT_ASSERT(second.ok());
    CPPUNIT_ASSERT(second->earlier && second->earlier->sameRequest);
    CPPUNIT_ASSERT_EQUAL(first->job, second->earlier->job.id);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobs().size());
    CPPUNIT_ASSERT_EQUAL(1, woken_);
    const auto found = intake_.findEarlier(once());
    CPPUNIT_ASSERT(found && *found && (*found)->sameRequest);
    CPPUNIT_ASSERT_EQUAL(first->job, (*found)->job.id);
  }

  void anotherRequestUnderTheSameKeyIsToldApart() {
    (void)submit(once());
    const auto other = submit(once(std::string("a\0c", 3)));
    CPPUNIT_ASSERT(other->earlier && !other->earlier->sameRequest);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_.jobs().size());
  }

  void keysOfOtherCallersAreOthers() {
    (void)submit(once());
    CPPUNIT_ASSERT(!submit(once("", 2))->earlier);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_.jobs().size());
  }

  void aKeyIsForgottenAfterADay() {
    (void)submit(once());
    rig_.clock.advance(kRepeatable - Milliseconds{1});
    CPPUNIT_ASSERT(submit(once())->earlier.has_value());
    rig_.clock.advance(Milliseconds{1});
    CPPUNIT_ASSERT(!*intake_.findEarlier(once()));
    CPPUNIT_ASSERT(!submit(once())->earlier);
    // It counts anew from then on.
    rig_.clock.advance(std::chrono::hours{1});
    CPPUNIT_ASSERT(submit(once())->earlier.has_value());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig_.jobs().size());
  }

  void whatTheStoreRefusesIsReportedAndNothingIsKept() {
    rig_.store.failAt(test::FailingStore::Step::kWork);
    CPPUNIT_ASSERT(submit(once()).error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(rig_.jobs().empty());
    CPPUNIT_ASSERT_EQUAL(0, woken_);
    CPPUNIT_ASSERT(!submit(once())->earlier);
    rig_.store.failAt(test::FailingStore::Step::kRead);
    CPPUNIT_ASSERT(!intake_.findEarlier(once()).ok());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(ChangeIntakeTest);

}  // namespace mbr::members
