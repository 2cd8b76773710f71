#include "app/stand_in.h"

#include <cppunit/extensions/HelperMacros.h>

#include <optional>

#include "app/app.h"
#include "app/job_run.h"
#include "app/loopback.h"
#include "app/workbench.h"
#include "passwords/temp_key_ring.h"
#include "support/temp_dir.h"

namespace mbr::app {

// Commands that work in the daemon's place, with an ActiveCampaign that does not answer.
class StandInTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StandInTest);
  CPPUNIT_TEST(besideADaemonNobodyStandsIn);
  CPPUNIT_TEST(whatAKilledProcessHeldIsFreeAgain);
  CPPUNIT_TEST(theSecondLeavesTheFirstItsJobs);
  CPPUNIT_TEST(aDaemonThatStartsMeanwhileLeavesThemToo);
  CPPUNIT_TEST(aDaemonThatStartsAloneFreesThem);
  CPPUNIT_TEST(besideADaemonNoJobIsRunHere);
  CPPUNIT_TEST(theJobsAreRunHereOnceTheDaemonIsGone);
  CPPUNIT_TEST(aJobThatFailedATryIsLeft);
  CPPUNIT_TEST(aJobBehindOneThatFailedIsLeft);
  CPPUNIT_TEST(aJobThatIsDueMuchLaterIsLeft);
  CPPUNIT_TEST(afterStopNothingIsBegun);
  CPPUNIT_TEST(jobsThatAreGoneCountForNothing);
  CPPUNIT_TEST_SUITE_END();

  const test::TempDir folder_;
  const std::string keyFile_ = test::writeKeyFile(folder_, "master.key", test::keyLine("k1", '1'));
  const config::Config config_ = test::loopbackConfig(folder_, keyFile_);
  Workbench bench_{config_};

  JobId add(const std::string& kind, const std::string& payload, JobId after = 0,
            Milliseconds later = {}) {
    Job job;
    job.kind = kind;
    job.lane = Lane::kRefresh;
    job.payload = payload;
    job.after = after;
    if (after != 0) job.state = JobState::kWaiting;
    job.createdAt = bench_.clock.now();
    job.dueAt = job.createdAt + later;
    JobId id = 0;
    require(bench_.store->write([&](store::Transaction& tx) -> Outcome {
      id = tx.addJob(job);
      return Done{};
    }));
    return id;
  }
  JobId addFailing() { return add("refresh", R"({"contact_id":7,"email":""})"); }
  JobId addHopeless() { return add("refresh", R"({"email":""})"); }
  void claim(JobId id) {
    require(bench_.store->write([&](store::Transaction& tx) -> Outcome {
      CPPUNIT_ASSERT(tx.claimJob(id, tx.now() + std::chrono::minutes{2}).has_value());
      return Done{};
    }));
  }
  JobState stateOf(JobId id) { return findJob(*bench_.store, id).value()->state; }
  std::unique_ptr<StandIn> standIn() { return StandIn::begin(*bench_.store, config_).value(); }

  static JobRun::Progress await(JobRun& run) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (;;) {
      const auto progress = run.look();
      CPPUNIT_ASSERT(progress.ok());
      if (progress->near == 0) return *progress;
      CPPUNIT_ASSERT_MESSAGE("it goes on for ever", std::chrono::steady_clock::now() < end);
      std::this_thread::sleep_for(Milliseconds{20});
    }
  }

  void besideADaemonNobodyStandsIn() {
    CPPUNIT_ASSERT(!StandIn::daemonRuns(config_));
    const ProcessLock daemon(ProcessLock::pathFor(config_.storePath));
    CPPUNIT_ASSERT(StandIn::daemonRuns(config_));
    CPPUNIT_ASSERT(standIn() == nullptr);
  }

  void whatAKilledProcessHeldIsFreeAgain() {
    const JobId id = addFailing();
    claim(id);
    const auto first = standIn();
    CPPUNIT_ASSERT(first != nullptr && stateOf(id) == JobState::kQueued);
    CPPUNIT_ASSERT(!StandIn::daemonRuns(config_));  // a command is none
  }

  void theSecondLeavesTheFirstItsJobs() {
    const JobId id = addFailing();
    const auto first = standIn();
    claim(id);
    const auto second = standIn();
    CPPUNIT_ASSERT(second != nullptr && stateOf(id) == JobState::kRunning);
  }

  void aDaemonThatStartsMeanwhileLeavesThemToo() {
    const JobId id = addFailing();
    const auto command = standIn();
    claim(id);
    const App app(config_);
    CPPUNIT_ASSERT(stateOf(id) == JobState::kRunning);
  }

  void aDaemonThatStartsAloneFreesThem() {
    const JobId id = addFailing();
    claim(id);
    const App app(config_);
    CPPUNIT_ASSERT(stateOf(id) == JobState::kQueued);
    // It keeps no command away once it has begun.
    const ProcessLock command(StandIn::lockFor(config_.storePath));
    CPPUNIT_ASSERT(command.wasAlone());
  }

  void besideADaemonNoJobIsRunHere() {
    const ProcessLock daemon(ProcessLock::pathFor(config_.storePath));
    const JobId id = addHopeless();
    JobRun run(bench_, {id});
    for (int i = 0; i < 10; ++i) {
      const auto progress = run.look();
      CPPUNIT_ASSERT(progress.ok() && progress->open == 1 && progress->near == 1);
      std::this_thread::sleep_for(Milliseconds{20});
    }
    CPPUNIT_ASSERT(stateOf(id) == JobState::kQueued);
  }

  void theJobsAreRunHereOnceTheDaemonIsGone() {
    std::optional<ProcessLock> daemon(ProcessLock::pathFor(config_.storePath));
    const JobId id = addHopeless();
    JobRun run(bench_, {id});
    CPPUNIT_ASSERT(run.look().ok());
    daemon.reset();
    const auto progress = await(run);
    CPPUNIT_ASSERT(progress.failed == 1 && progress.open == 0 && !progress.reason.empty());
    CPPUNIT_ASSERT(stateOf(id) == JobState::kDead);
  }

  void aJobThatFailedATryIsLeft() {
    const JobId id = addFailing();
    const JobId other = addFailing();
    JobRun run(bench_, {id});
    const auto progress = await(run);
    run.stop();
    CPPUNIT_ASSERT(progress.failed == 0 && progress.open == 1);
    CPPUNIT_ASSERT(progress.reason.find("unavailable") == 0);
    const auto job = findJob(*bench_.store, id).value();
    CPPUNIT_ASSERT(job->state == JobState::kQueued && job->attempts >= 1);
    CPPUNIT_ASSERT_EQUAL(0, findJob(*bench_.store, other).value()->attempts);
  }

  void aJobBehindOneThatFailedIsLeft() {
    const JobId first = addFailing();
    const JobId second = add("refresh", R"({"email":""})", first);
    JobRun run(bench_, {second});
    const auto progress = await(run);
    CPPUNIT_ASSERT(progress.open == 1 && stateOf(second) == JobState::kWaiting);
    CPPUNIT_ASSERT(findJob(*bench_.store, first).value()->attempts >= 1);
  }

  void aJobThatIsDueMuchLaterIsLeft() {
    const JobId id = add("refresh", R"({"email":""})", 0, std::chrono::hours{1});
    JobRun run(bench_, {id});
    CPPUNIT_ASSERT(await(run).open == 1 && stateOf(id) == JobState::kQueued);
  }

  void afterStopNothingIsBegun() {
    const JobId id = addHopeless();
    JobRun run(bench_, {id});
    run.stop();
    const auto progress = run.look();
    run.stop();
    CPPUNIT_ASSERT(progress.ok() && progress->open == 1 && stateOf(id) == JobState::kQueued);
  }

  void jobsThatAreGoneCountForNothing() {
    JobRun run(bench_, {4711});
    const auto progress = run.look();
    CPPUNIT_ASSERT(progress.ok() && progress->done + progress->failed + progress->open == 0);
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(StandInTest);

}  // namespace mbr::app
