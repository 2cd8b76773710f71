// What a command works with that talks to ActiveCampaign: the daemon's tools without its threads.
#pragma once

#include <memory>

#include "access/codes.h"
#include "app/installation.h"
#include "app/outbound.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/stop_flag.h"
#include "config/config.h"
#include "contacts/directories.h"
#include "passwords/key_ring.h"
#include "store/store.h"
#include "sync/event_hook.h"

namespace mbr::app {

// Works beside a daemon and without one: both count their calls in the store's one budget, and what
// only one may do at a time is done under a lease in the store.
//
// One thread at a time; the members may be used as their own headers say.
class Workbench {
 public:
  // Opens and migrates the store. Throws StartError.
  explicit Workbench(config::Config config);
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  // What the job handlers need of it. The bench must outlive what is made of this.
  Outbound::Ground ground() {
    return {config, *store, keys, clock, random, installation, directories, account};
  }

  // For what a command asks in a row, its waits for the budget included.
  activecampaign::Call call(Lane lane = Lane::kSite) const;

  // Names this process among all that use the store.
  const std::string& holder() const { return holder_; }

  // See sync::EventHook. With `rotate` the webhook gets a new code first; nothing is rotated unless
  // ActiveCampaign answers.
  Result<sync::HookReport> hookStatus();
  Result<sync::HookReport> ensureHook(bool rotate);
  Result<sync::HookReport> removeHook();

  const config::Config config;
  SystemClock clock;
  SystemRandom random;
  const passwords::KeyRing keys;
  std::unique_ptr<store::Store> store;
  const Installation installation;
  contacts::Directories directories;
  access::Codes codes;
  Account account;

 private:
  StopFlag stop_;  // never raised: a signal ends the command
  const std::string holder_;
  sync::EventHook eventHook_;
};

// "PID-RANDOM", without a colon.
std::string holderName(Random& random);

}  // namespace mbr::app
