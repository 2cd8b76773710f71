#include <future>

#include "outbox/rig.h"

namespace mbr::outbox {

class AwaitTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AwaitTest);
  CPPUNIT_TEST(aJobThatHasEndedIsHandedOverAtOnce);
  CPPUNIT_TEST(aJobThatEndsIsHandedOverWhenItEnds);
  CPPUNIT_TEST(everyoneWhoWaitsIsTold);
  CPPUNIT_TEST(aRefusedAndADeadJobHaveEndedToo);
  CPPUNIT_TEST(atTheDeadlineNothingIsHandedOver);
  CPPUNIT_TEST(aJobThatAnotherProcessEndsIsHandedOver);
  CPPUNIT_TEST(stopAnswersWhoStillWaits);
  CPPUNIT_TEST(afterTheTimerHasStoppedNobodyWaits);
  CPPUNIT_TEST_SUITE_END();

  using Ended = std::optional<Job>;

  Gate gate_;
  OutboxRig rig_;

 public:
  void setUp() override {
    rig_.dispatcher.handle("k", [](Job&, const StopFlag&) { return Verdict::done("result"); });
    rig_.dispatcher.handle("no", [](Job&, const StopFlag&) { return Verdict::refused("", "no"); });
    rig_.dispatcher.handle("gated", [this](Job&, const StopFlag&) {
      gate_.wait();
      return Verdict::done("result");
    });
  }
  void tearDown() override { gate_.open(); }

  std::future<Ended> await(JobId id, Milliseconds within = kPatience) {
    auto promise = std::make_shared<std::promise<Ended>>();
    rig_.dispatcher.await(id, std::chrono::steady_clock::now() + within,
                          [promise](Ended job) { promise->set_value(std::move(job)); });
    return promise->get_future();
  }
  static Ended resultOf(std::future<Ended>& future) {
    CPPUNIT_ASSERT(future.wait_for(kPatience) == std::future_status::ready);
    return future.get();
  }

  void aJobThatHasEndedIsHandedOverAtOnce() {
    const JobId id = rig_.add("k");
    rig_.dispatcher.start();
    rig_.awaitState(id, JobState::kDone);
    auto awaited = await(id);
    const Ended ended = resultOf(awaited);
    CPPUNIT_ASSERT(ended.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("result"), ended->result);
  }

  void aJobThatEndsIsHandedOverWhenItEnds() {
    rig_.dispatcher.start();
    const JobId id = rig_.add("gated");
    auto awaited = await(id);
    CPPUNIT_ASSERT(awaited.wait_for(Milliseconds{0}) == std::future_status::timeout);
    gate_.open();
    const Ended ended = resultOf(awaited);
    CPPUNIT_ASSERT_EQUAL(id, ended.value().id);
    CPPUNIT_ASSERT(ended->state == JobState::kDone);
  }

  void everyoneWhoWaitsIsTold() {
    rig_.dispatcher.start();
    const JobId id = rig_.add("gated");
    const JobId other = rig_.add("k");
    auto first = await(id);
    auto second = await(id);
    auto third = await(other);
    CPPUNIT_ASSERT_EQUAL(other, resultOf(third).value().id);
    gate_.open();
    CPPUNIT_ASSERT(resultOf(first).has_value());
    CPPUNIT_ASSERT(resultOf(second).has_value());
  }

  void aRefusedAndADeadJobHaveEndedToo() {
    rig_.dispatcher.start();
    auto refused = await(rig_.add("no"));
    auto dead = await(rig_.add("unknown kind"));
    CPPUNIT_ASSERT(resultOf(refused).value().state == JobState::kRefused);
    CPPUNIT_ASSERT(resultOf(dead).value().state == JobState::kDead);
  }

  void atTheDeadlineNothingIsHandedOver() {
    rig_.dispatcher.start();
    auto awaited = await(rig_.add("gated"), Milliseconds{20});
    CPPUNIT_ASSERT(!resultOf(awaited).has_value());
  }

  void aJobThatAnotherProcessEndsIsHandedOver() {
    const JobId id =
        rig_.add("k", [this](Job& job) { job.dueAt = rig_.clock.now() + std::chrono::hours{1}; });
    rig_.dispatcher.start();
    auto awaited = await(id);
    store::sql::SqlStore::Options options;
    options.path = rig_.database->path();
    auto other = store::sql::SqlStore::open(options, rig_.clock);
    CPPUNIT_ASSERT(other.ok());
    CPPUNIT_ASSERT((*other)
                       ->write([&](store::Transaction& tx) -> Outcome {
                         Job job = *tx.findJob(id);
                         job.state = JobState::kDropped;
                         CPPUNIT_ASSERT(tx.saveJob(job));
                         return Done{};
                       })
                       .ok());
    CPPUNIT_ASSERT(resultOf(awaited).value().state == JobState::kDropped);
  }

  void stopAnswersWhoStillWaits() {
    rig_.dispatcher.start();
    auto awaited = await(
        rig_.add("k", [this](Job& job) { job.dueAt = rig_.clock.now() + std::chrono::hours{1}; }));
    rig_.dispatcher.stop();
    CPPUNIT_ASSERT(!resultOf(awaited).has_value());
  }

  void afterTheTimerHasStoppedNobodyWaits() {
    rig_.timer.stop();
    auto awaited = await(rig_.add("k"));
    CPPUNIT_ASSERT(!resultOf(awaited).has_value());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(AwaitTest);

}  // namespace mbr::outbox
