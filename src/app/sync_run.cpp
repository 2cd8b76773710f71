#include "app/sync_run.h"

#include <utility>

namespace mbr::app {
namespace {

// How often it is seen whether a daemon still runs.
constexpr std::chrono::seconds kDaemonEvery{3};

}  // namespace

SyncRun::SyncRun(Workbench& bench)
    : bench_(bench),
      generator_(bench.config.generator, bench.random),
      hasher_(bench.keys, bench.random),
      sealer_(bench.keys, bench.random),
      links_(bench.keys, bench.random, {bench.config.hooks.publicUrl, bench.config.linkLife}),
      issuer_(generator_, hasher_, sealer_, bench.clock,
              {bench.config.passwordPolicy, bench.config.wipeAfter, &links_}),
      tombstones_(bench.keys),
      updater_(*bench.store, issuer_, bench.clock, [] {},
               {bench.config.passwordRule, bench.installation.installedAt(),
                bench.config.autologinTokenField, &tombstones_}),
      coverage_(bench.config.hooks.wanted, bench.clock),
      linkTokens_(bench.keys, bench.config.autologinTokenField),
      reader_(*bench.store, bench.directories,
              {bench.config.passwordField, bench.installation.hiddenFields(), &linkTokens_}),
      reconciler_(*bench.store, bench.clock, bench.clients, reader_, updater_, coverage_,
                  {bench.config.sweeps, bench.config.hooks.wanted, bench.holder()}) {}

SyncRun::~SyncRun() {
  stop_.raise();
  if (thread_.joinable()) thread_.join();
}

bool SyncRun::daemonRuns() {
  if (lock_) return false;
  auto lock = std::make_unique<ProcessLock>(ProcessLock::pathFor(bench_.config.storePath));
  if (!lock->wasAlone()) return true;
  lock->share();
  lock_ = std::move(lock);
  return false;
}

Outcome SyncRun::ask(bool full) {
  const char* why = full ? gap_reason::kOperatorFull : gap_reason::kOperator;
  return bench_.store->write([&](store::Transaction& tx) -> Outcome {
    tx.openGap(why, tx.now(), tx.now(), full);
    for (const Gap& gap : tx.listOpenGaps()) {
      if (gap.why == why && gap.state == GapState::kOpen) gap_ = gap.id;
    }
    return Done{};
  });
}

Result<SyncRun::Progress> SyncRun::look() {
  Progress progress;
  bool isOthers = false;
  const Outcome read = bench_.store->read([&](store::Reader& reader) -> Outcome {
    for (const Gap& gap : reader.listGaps(100)) {
      if (gap.id != gap_) continue;
      progress.done = gap.state == GapState::kClosed;
      if (gap.state != GapState::kOpen) progress.sweep = reader.findSweep(gap.sweep);
    }
    const auto running = reader.findRunningSweep();
    isOthers = running && running->leaseUntil > bench_.clock.now();
    progress.suspended = parseId(reader.findMeta(sync::kSuspended).value_or("")).value_or(0);
    return Done{};
  });
  if (!read) return read.error();
  if (progress.done) return progress;

  const SteadyInstant now = bench_.clock.steady();
  if (!thread_.joinable() && !isOthers && now - looked_ >= kDaemonEvery) {
    looked_ = now;
    if (!daemonRuns()) workHere();
  }
  progress.here = lock_ != nullptr;
  const std::lock_guard lock(mutex_);
  if (ended_ && !*ended_) return ended_->error();
  return progress;
}

void SyncRun::workHere() {
  thread_ = std::thread([this] {
    const Outcome outcome = reconciler_.runOnce(stop_);
    const std::lock_guard lock(mutex_);
    ended_ = outcome;
  });
}

Result<std::vector<JobId>> SyncRun::confirmDeletions() {
  std::vector<JobId> jobs;
  const Outcome written = bench_.store->write([&](store::Transaction& tx) -> Outcome {
    jobs = sync::confirmDeletions(tx);
    return Done{};
  });
  if (!written) return written.error();
  return jobs;
}

Result<std::size_t> SyncRun::countOpen(const std::vector<JobId>& jobs) {
  std::size_t open = 0;
  const Outcome read = bench_.store->read([&](store::Reader& reader) -> Outcome {
    for (const JobId id : jobs) {
      const auto job = reader.findJob(id);
      if (job && isOpen(job->state)) ++open;
    }
    return Done{};
  });
  if (!read) return read.error();
  return open;
}

}  // namespace mbr::app
