#include "sync/live_pull.h"

#include "base/clock.h"
#include "sync/rig.h"

namespace mbr::sync {

using contacts::Pulled;
using contacts::Who;

class LivePullTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LivePullTest);
  CPPUNIT_TEST(aPullBringsTheContactAndItsPasswordIntoTheStore);
  CPPUNIT_TEST(aPullDoesNotGiveWayToLogins);
  CPPUNIT_TEST(whatAPullHasToLearnDoesNotGiveWayEither);
  CPPUNIT_TEST(aContactThatIsNowhereIsAnAnswer);
  CPPUNIT_TEST(aFailedPullIsAnErrorAndChangesNothing);
  CPPUNIT_TEST(aContactUnderAnotherIdIsTakenInAndTheOldOneMarked);
  CPPUNIT_TEST(pullsOfOneContactShareARequest);
  CPPUNIT_TEST(theNextPullMakesARequestOfItsOwn);
  CPPUNIT_TEST(whoWaitsIsAnsweredAtHisDeadlineAndTheRequestGoesOn);
  CPPUNIT_TEST(aPullWhoseDeadlineHasPassedSendsNothing);
  CPPUNIT_TEST(pastTheBoundAPullIsRefusedAtOnce);
  CPPUNIT_TEST(stopAnswersEveryone);
  CPPUNIT_TEST(afterStopAPullIsRefused);
  CPPUNIT_TEST_SUITE_END();

  test::SyncRig rig_;

  // Holds requests until they are let go.
  class Gate {
   public:
    void wait() {
      std::unique_lock lock(mutex_);
      ++arrived_;
      changed_.notify_all();
      if (!changed_.wait_for(lock, test::kPatience, [this] { return open_; })) {
        throw std::runtime_error("the gate stays shut");
      }
    }
    void open() {
      const std::lock_guard lock(mutex_);
      open_ = true;
      changed_.notify_all();
    }
    void awaitArrival() {
      std::unique_lock lock(mutex_);
      CPPUNIT_ASSERT(changed_.wait_for(lock, test::kPatience, [this] { return arrived_ > 0; }));
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int arrived_ = 0;
  };

  std::unique_ptr<LivePull> started(LivePull::Options options = {}) {
    auto pull = std::make_unique<LivePull>(rig_.reader, rig_.clients, rig_.updater, rig_.store,
                                           rig_.clock, rig_.timer, options);
    pull->start();
    return pull;
  }

  std::future<Result<Pulled>> ask(LivePull& pull, Who who, Milliseconds within) {
    return askUntil(pull, std::move(who), rig_.clock.steady() + within);
  }
  static std::future<Result<Pulled>> askUntil(LivePull& pull, Who who, SteadyInstant deadline) {
    auto promise = std::make_shared<std::promise<Result<Pulled>>>();
    pull.pull(std::move(who), deadline,
              [promise](Result<Pulled> pulled) { promise->set_value(std::move(pulled)); });
    return promise->get_future();
  }
  static Who byId(ContactId id) { return {id, std::nullopt}; }
  static Who byEmail(std::string_view text) { return {std::nullopt, test::email(text)}; }

  void aPullBringsTheContactAndItsPasswordIntoTheStore() {
    rig_.account.people[42].fields[3] = "theirs";
    const auto pull = started();
    auto asked = ask(*pull, byEmail("a@example.com"), Milliseconds{1500});
    const auto pulled = test::resultOf(asked);
    CPPUNIT_ASSERT(pulled.ok());
    CPPUNIT_ASSERT(pulled->contact == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(rig_.contact(42)->confirmed);
    CPPUNIT_ASSERT(rig_.knows(42, "theirs"));
  }

  void whatAPullHasToLearnDoesNotGiveWayEither() {
    rig_.fillDirectories();
    rig_.account.people[42].tags[900] = 7;  // new in the account
    const auto pull = started();
    const RightOfWay::Hold login(&rig_.database->loginsFirst());
    auto asked = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(test::resultOf(asked).ok());
    CPPUNIT_ASSERT(rig_.openJob(members::kTagsJob, "all").has_value());
  }

  // The fields are not known yet.
  void aPullDoesNotGiveWayToLogins() {
    const auto pull = started();
    const RightOfWay::Hold login(&rig_.database->loginsFirst());
    auto asked = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(test::resultOf(asked).ok());
  }

  void aContactThatIsNowhereIsAnAnswer() {
    const auto pull = started();
    auto asked = ask(*pull, byEmail("nobody@example.com"), Milliseconds{1500});
    const auto pulled = test::resultOf(asked);
    CPPUNIT_ASSERT(pulled.ok());
    CPPUNIT_ASSERT(!pulled->contact);
  }

  void aFailedPullIsAnErrorAndChangesNothing() {
    rig_.known(42, "a@example.com");
    rig_.account.failFrom(1, test::FakeAccount::Fault::kRequestLost);
    const auto pull = started();
    auto asked = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(!test::resultOf(asked).ok());
    CPPUNIT_ASSERT(!rig_.contact(42)->deletedAt);
  }

  void aContactUnderAnotherIdIsTakenInAndTheOldOneMarked() {
    rig_.known(41, "a@example.com");
    const auto pull = started();
    auto asked = ask(*pull, {41, test::email("a@example.com")}, Milliseconds{1500});
    CPPUNIT_ASSERT(test::resultOf(asked)->contact == std::optional<ContactId>(42));
    CPPUNIT_ASSERT(rig_.contact(41)->deletedAt.has_value());
  }

  void pullsOfOneContactShareARequest() {
    rig_.fillDirectories();
    Gate gate;
    rig_.account.before("GET contacts/42", [&] { gate.wait(); });
    const auto pull = started();
    auto first = ask(*pull, byId(42), Milliseconds{1500});
    gate.awaitArrival();
    auto second = ask(*pull, byId(42), Milliseconds{1500});
    gate.open();
    CPPUNIT_ASSERT(test::resultOf(first).ok());
    CPPUNIT_ASSERT(test::resultOf(second).ok());
    CPPUNIT_ASSERT_EQUAL(1, rig_.account.count("GET contacts/42"));
  }

  void theNextPullMakesARequestOfItsOwn() {
    rig_.fillDirectories();
    const auto pull = started();
    auto first = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(test::resultOf(first).ok());
    auto second = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(test::resultOf(second).ok());
    CPPUNIT_ASSERT_EQUAL(2, rig_.account.count("GET contacts/42"));
  }

  void whoWaitsIsAnsweredAtHisDeadlineAndTheRequestGoesOn() {
    // The timer runs by the machine's clock, so this test does too.
    const SystemClock system;
    rig_.fillDirectories();
    Gate gate;
    rig_.account.before("GET contacts/42", [&] { gate.wait(); });
    LivePull pull(rig_.reader, rig_.clients, rig_.updater, rig_.store, system, rig_.timer, {});
    pull.start();
    auto patient = askUntil(pull, byId(42), rig_.clock.steady() + std::chrono::hours{1});
    gate.awaitArrival();
    auto hasty = askUntil(pull, byId(42), system.steady() + Milliseconds{20});
    const auto answer = test::resultOf(hasty);
    CPPUNIT_ASSERT(!answer.ok());
    CPPUNIT_ASSERT(answer.error().code == Code::kUnavailable);
    gate.open();
    CPPUNIT_ASSERT(test::resultOf(patient).ok());
    CPPUNIT_ASSERT(rig_.contact(42).has_value());
  }

  void aPullWhoseDeadlineHasPassedSendsNothing() {
    const auto pull = started();
    auto asked = ask(*pull, byId(42), Milliseconds{-1});
    CPPUNIT_ASSERT(!test::resultOf(asked).ok());
    CPPUNIT_ASSERT(rig_.account.log().empty());
  }

  void pastTheBoundAPullIsRefusedAtOnce() {
    rig_.fillDirectories();
    Gate gate;
    rig_.account.before("GET contacts/42", [&] { gate.wait(); });
    const auto pull = started({1, 1});
    auto first = ask(*pull, byId(42), Milliseconds{1500});
    gate.awaitArrival();
    auto second = ask(*pull, byId(43), Milliseconds{1500});
    auto third = ask(*pull, byId(44), Milliseconds{1500});
    const auto refused = test::resultOf(third);
    CPPUNIT_ASSERT(!refused.ok());
    CPPUNIT_ASSERT(refused.error().code == Code::kBusy);
    gate.open();
    CPPUNIT_ASSERT(test::resultOf(first).ok());
    CPPUNIT_ASSERT(test::resultOf(second).ok());
  }

  void stopAnswersEveryone() {
    rig_.fillDirectories();
    Gate gate;
    rig_.account.before("GET contacts/42", [&] { gate.wait(); });
    const auto pull = started({1, 10});
    auto inHand = ask(*pull, byId(42), Milliseconds{1500});
    gate.awaitArrival();
    auto queued = ask(*pull, byId(43), Milliseconds{1500});
    std::thread stopper([&] { pull->stop(); });
    CPPUNIT_ASSERT(!test::resultOf(queued).ok());
    gate.open();
    (void)test::resultOf(inHand);
    stopper.join();
    pull->stop();
  }

  void afterStopAPullIsRefused() {
    const auto pull = started();
    pull->stop();
    auto asked = ask(*pull, byId(42), Milliseconds{1500});
    CPPUNIT_ASSERT(!test::resultOf(asked).ok());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LivePullTest);

}  // namespace mbr::sync
