#include "domain/job.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>
#include <set>
#include <string>
#include <utility>

using namespace mbr;
using namespace std::chrono_literals;

class JobTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JobTest);
  CPPUNIT_TEST(onlyTheDrawnMovesExist);
  CPPUNIT_TEST(anEndedJobNeverMovesButByTheOperator);
  CPPUNIT_TEST(openMeansWaitingQueuedOrRunning);
  CPPUNIT_TEST(backoffDoublesUpToAnHour);
  CPPUNIT_TEST(backoffIsFullJitterButNeverBelowAQuarterSecond);
  CPPUNIT_TEST(backoffStandsAnyNumberOfTries);
  CPPUNIT_TEST(lanesAreNumberedByWhoGoesFirst);
  CPPUNIT_TEST(everyStateAndLaneHasAWordOfItsOwn);
  CPPUNIT_TEST_SUITE_END();

  static constexpr JobState kStates[] = {JobState::kWaiting, JobState::kQueued,  JobState::kRunning,
                                         JobState::kDone,    JobState::kRefused, JobState::kDead,
                                         JobState::kDropped};
  static constexpr JobEvent kEvents[] = {
      JobEvent::kReleased, JobEvent::kClaimed, JobEvent::kSucceeded,  JobEvent::kRefused,
      JobEvent::kFailed,   JobEvent::kGaveUp,  JobEvent::kLeaseEnded, JobEvent::kSatisfied,
      JobEvent::kDropped,  JobEvent::kRevived};

  void onlyTheDrawnMovesExist() {
    const std::map<std::pair<JobState, JobEvent>, JobState> drawn = {
        {{JobState::kWaiting, JobEvent::kReleased}, JobState::kQueued},
        {{JobState::kWaiting, JobEvent::kSatisfied}, JobState::kDone},
        {{JobState::kWaiting, JobEvent::kGaveUp}, JobState::kDead},
        {{JobState::kWaiting, JobEvent::kDropped}, JobState::kDropped},
        {{JobState::kQueued, JobEvent::kClaimed}, JobState::kRunning},
        {{JobState::kQueued, JobEvent::kSatisfied}, JobState::kDone},
        {{JobState::kQueued, JobEvent::kGaveUp}, JobState::kDead},
        {{JobState::kQueued, JobEvent::kDropped}, JobState::kDropped},
        {{JobState::kRunning, JobEvent::kSucceeded}, JobState::kDone},
        {{JobState::kRunning, JobEvent::kRefused}, JobState::kRefused},
        {{JobState::kRunning, JobEvent::kFailed}, JobState::kQueued},
        {{JobState::kRunning, JobEvent::kLeaseEnded}, JobState::kQueued},
        {{JobState::kRunning, JobEvent::kGaveUp}, JobState::kDead},
        {{JobState::kRunning, JobEvent::kDropped}, JobState::kDropped},
        {{JobState::kDead, JobEvent::kRevived}, JobState::kQueued},
    };
    for (const JobState state : kStates) {
      for (const JobEvent event : kEvents) {
        const auto move = drawn.find({state, event});
        const auto after = next(state, event);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(toString(state)), move != drawn.end(),
                                     after.has_value());
        if (after) CPPUNIT_ASSERT(*after == move->second);
      }
    }
  }

  void anEndedJobNeverMovesButByTheOperator() {
    for (const JobState state :
         {JobState::kDone, JobState::kRefused, JobState::kDead, JobState::kDropped}) {
      for (const JobEvent event : kEvents) {
        const bool byOperator = state == JobState::kDead && event == JobEvent::kRevived;
        CPPUNIT_ASSERT_EQUAL(byOperator, next(state, event).has_value());
      }
    }
  }

  void openMeansWaitingQueuedOrRunning() {
    for (const JobState state : kStates) {
      CPPUNIT_ASSERT_EQUAL(static_cast<int>(state) <= static_cast<int>(JobState::kRunning),
                           isOpen(state));
    }
  }

  void backoffDoublesUpToAnHour() {
    constexpr double kAlmostOne = 1.0 - 1e-12;
    CPPUNIT_ASSERT(backoff(0, 0.5) == 1s);
    CPPUNIT_ASSERT(backoff(1, 0.5) == 2s);
    CPPUNIT_ASSERT(backoff(2, 0.5) == 4s);
    CPPUNIT_ASSERT(backoff(10, 0.5) == 1024s);
    CPPUNIT_ASSERT(backoff(11, 0.5) == 30min);
    CPPUNIT_ASSERT(backoff(12, 0.5) == 30min);
    CPPUNIT_ASSERT(backoff(50, kAlmostOne) <= 1h);
    CPPUNIT_ASSERT(backoff(50, kAlmostOne) >= 1h - 1ms);
  }

  void backoffIsFullJitterButNeverBelowAQuarterSecond() {
    for (const int attempts : {0, 1, 5, 20}) CPPUNIT_ASSERT(backoff(attempts, 0.0) == 250ms);
    CPPUNIT_ASSERT(backoff(0, 0.1) == 250ms);
    CPPUNIT_ASSERT(backoff(0, 0.25) == 500ms);
  }

  void backoffStandsAnyNumberOfTries() {
    CPPUNIT_ASSERT(backoff(-1, 0.5) == 1s);
    CPPUNIT_ASSERT(backoff(2147483647, 0.5) == 30min);
  }

  void lanesAreNumberedByWhoGoesFirst() {
    CPPUNIT_ASSERT(Lane::kLogin < Lane::kSite && Lane::kSite < Lane::kPassword &&
                   Lane::kPassword < Lane::kRefresh && Lane::kRefresh < Lane::kReconcile &&
                   Lane::kReconcile < Lane::kBackfill);
    CPPUNIT_ASSERT_EQUAL(kLaneCount, static_cast<int>(Lane::kBackfill) + 1);
  }

  void everyStateAndLaneHasAWordOfItsOwn() {
    std::set<std::string_view> words;
    for (const JobState state : kStates) words.insert(toString(state));
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, words.size());
    words.clear();
    for (int lane = 0; lane < kLaneCount; ++lane) words.insert(toString(static_cast<Lane>(lane)));
    CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(kLaneCount), words.size());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(JobTest);
