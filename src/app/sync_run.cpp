#include "app/sync_run.h"

#include <utility>

namespace mbr::app {

SyncRun::SyncRun(Workbench& bench)
    : bench_(bench),
      outbound_(bench.ground()),
      coverage_(bench.config.hooks.wanted, bench.clock),
      reconciler_(*bench.store, bench.clock, bench.account.clients, outbound_.contactReader,
                  outbound_.updater, coverage_,
                  {bench.config.sweeps, bench.config.hooks.wanted, bench.holder()}) {}

SyncRun::~SyncRun() {
  stop_.raise();
  if (thread_.joinable()) thread_.join();
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
  if (!thread_.joinable() && !isOthers && now - looked_ >= StandIn::kLookEvery) {
    looked_ = now;
    if (const Outcome begun = workHere(); !begun) return begun.error();
  }
  progress.here = standIn_ != nullptr;
  if (const auto fault = faultHere()) return *fault;
  return progress;
}

// Unless a daemon runs.
Outcome SyncRun::workHere() {
  auto standIn = StandIn::begin(*bench_.store, bench_.config);
  if (!standIn) return standIn.error();
  if (*standIn == nullptr) return Done{};
  standIn_ = std::move(standIn).value();
  thread_ = std::thread([this] {
    const Outcome outcome = reconciler_.runOnce(stop_);
    const std::lock_guard lock(mutex_);
    ended_ = outcome;
  });
  return Done{};
}

// What ended the work here. Where another process was faster it is begun again later.
std::optional<Error> SyncRun::faultHere() {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_ || *ended_) return std::nullopt;
    if (ended_->error().code != Code::kBusy) return ended_->error();
  }
  thread_.join();
  ended_.reset();
  return std::nullopt;
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

}  // namespace mbr::app
