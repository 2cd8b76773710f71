#include "app/workbench.h"

#include <unistd.h>

#include <utility>

#include "base/encoding.h"

namespace mbr::app {
namespace {

constexpr std::chrono::seconds kDeadline{60};

// The command itself, its sweep, the hash pool.
constexpr int kOtherReaders = 4;

}  // namespace

std::string holderName(Random& random) {
  return std::to_string(::getpid()) + '-' + toBase64Url(random.bytes(6));
}

Workbench::Workbench(config::Config given)
    : config(std::move(given)),
      keys(loadKeys(config.masterKeyFile)),
      store(openStore(config.storePath, clock, config.outbox.workers + kOtherReaders)),
      installation(*store, keys, config),
      directories(*store),
      codes(*store, keys, random, clock),
      account(config, *store, installation, clock),
      holder_(holderName(random)),
      eventHook_(
          *store, clock, config.hooks, [this] { return codes.currentEventHookCode(); }, holder_) {
  store->subscribe([this](const std::vector<store::Change>& changes) {
    for (const store::Change& change : changes) {
      if (change.kind == store::ChangeKind::kDirectory) directories.invalidate();
      if (change.kind == store::ChangeKind::kCode) codes.onChange();
    }
  });
}

// The writer goes before those whom it tells.
Workbench::~Workbench() { store.reset(); }

activecampaign::Call Workbench::call(Lane lane) const {
  return {lane, clock.steady() + kDeadline, &stop_};
}

Result<sync::HookReport> Workbench::hookStatus() {
  const auto client = account.clients.lease();
  return eventHook_.status(*client, call());
}

Result<sync::HookReport> Workbench::ensureHook(bool rotate) {
  const auto client = account.clients.lease();
  if (rotate) {
    // Two rotations that could not be registered would leave ActiveCampaign with a refused code.
    if (const auto seen = eventHook_.status(*client, call()); !seen) return seen.error();
    if (const auto code = codes.rotateEventHookCode(); !code) return code.error();
  }
  return eventHook_.keep(*client, call());
}

Result<sync::HookReport> Workbench::removeHook() {
  const auto client = account.clients.lease();
  return eventHook_.remove(*client, call());
}

}  // namespace mbr::app
