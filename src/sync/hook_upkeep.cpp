#include "sync/hook_upkeep.h"

#include <utility>

#include "ops/log.h"

namespace mbr::sync {
namespace {

constexpr Milliseconds kCallDeadline{30000};

activecampaign::Call callOf(const Clock& clock, const StopFlag& stop) {
  return {Lane::kRefresh, clock.steady() + kCallDeadline, &stop};
}

}  // namespace

HookUpkeep::HookUpkeep(EventHook& hook, ClientPool& clients, store::Store& store,
                       members::HookCoverage& coverage, const Clock& clock, Options options)
    : hook_(hook),
      clients_(clients),
      store_(store),
      coverage_(coverage),
      clock_(clock),
      options_(options) {}

HookUpkeep::~HookUpkeep() { stop(); }

void HookUpkeep::start() {
  thread_ = std::thread([this] { run(); });
}

void HookUpkeep::stop() {
  stop_.raise();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HookUpkeep::onDrift(std::int64_t contacts) {
  if (contacts == 0) return;
  {
    const std::lock_guard lock(mutex_);
    drifted_ = true;
  }
  changed_.notify_all();
}

void HookUpkeep::run() {
  SteadyInstant next = clock_.steady();
  while (!stop_.raised()) {
    try {
      bool drifted = false;
      {
        const std::lock_guard lock(mutex_);
        std::swap(drifted, drifted_);
      }
      if (drifted) replaceIfSilent();
      if (clock_.steady() >= next) {
        next = clock_.steady() + (check() ? options_.checkEvery : options_.retryAfter);
      }
    } catch (const std::exception& e) {
      ops::logError("event_hook_upkeep_failed", {{"what", e.what()}});
      next = clock_.steady() + options_.retryAfter;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, next, [this] { return drifted_ || stop_.raised(); });
  }
}

bool HookUpkeep::check() {
  const auto client = clients_.lease();
  const auto report = hook_.keep(*client, callOf(clock_, stop_));
  if (!report) {
    if (!stop_.raised()) {
      ops::logWarning("event_hook_not_checked", {{"detail", report.error().detail}});
    }
    return false;
  }
  if (report->state != HookState::kNone && report->state != HookState::kRemoved) {
    coverage_.noteNews(clock_.now());
  }
  return true;
}

void HookUpkeep::replaceIfSilent() {
  const SteadyInstant now = clock_.steady();
  if (replacedAt_ && now - *replacedAt_ < options_.replaceEvery) return;
  std::optional<Instant> last;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    last = reader.lastDeliveryAt("events");
    return Done{};
  });
  if (!read || (last && clock_.now() - *last < options_.silence)) return;
  const auto client = clients_.lease();
  const Outcome replaced = hook_.replace(*client, callOf(clock_, stop_));
  if (!replaced) {
    ops::logWarning("event_hook_not_replaced", {{"detail", replaced.error().detail}});
    return;
  }
  replacedAt_ = now;
  ops::logWarning("event_hook_replaced", {{"reason", "silent while contacts changed"}});
}

}  // namespace mbr::sync
