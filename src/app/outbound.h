// What carries jobs to ActiveCampaign: in the daemon, and in a command that works while none runs.
#pragma once

#include <memory>

#include "activecampaign/breaker.h"
#include "activecampaign/features.h"
#include "activecampaign/poco_transport.h"
#include "activecampaign/rate_budget.h"
#include "app/installation.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/right_of_way.h"
#include "config/config.h"
#include "contacts/directories.h"
#include "members/contact_updater.h"
#include "members/link_tokens.h"
#include "members/password_issuer.h"
#include "members/password_links.h"
#include "members/password_wiper.h"
#include "members/tombstones.h"
#include "ops/timer.h"
#include "outbox/dispatcher.h"
#include "passwords/generator.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "passwords/key_ring.h"
#include "passwords/sealer.h"
#include "store/store.h"
#include "sync/contact_reader.h"
#include "sync/job_handlers.h"

namespace mbr::app {

// The account at ActiveCampaign: every process spends from the store's one budget. The members are
// thread-safe.
struct Account {
  // All must outlive it; `loginsFirst` as of activecampaign::Client. Throws StartError.
  Account(const config::Config& config, store::Store& store, const Installation& installation,
          const Clock& clock, const RightOfWay* loginsFirst = nullptr);

  const std::unique_ptr<activecampaign::PocoNetwork> network;
  activecampaign::RateBudget budget;
  activecampaign::Breaker breaker;
  activecampaign::Features features;
  sync::ClientPool clients;
};

// The dispatcher with the handler of every kind of job, and what these work with. Nothing runs
// until the dispatcher is started. The members may be used as their own headers say.
struct Outbound {
  // What it stands on; all must outlive it.
  struct Ground {
    const config::Config& config;
    store::Store& store;
    const passwords::KeyRing& keys;
    const Clock& clock;
    Random& random;
    const Installation& installation;
    const contacts::Directories& directories;
    Account& account;
    RightOfWay* loginsFirst = nullptr;  // see passwords::HashPool::Options
  };

  explicit Outbound(const Ground& ground);
  ~Outbound() { dispatcher.stop(); }
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

  ops::Timer timer;
  const members::LinkTokens linkTokens;
  passwords::Generator generator;
  passwords::HashMemory hashMemory;
  passwords::Hasher hasher;
  passwords::Sealer sealer;
  sync::ContactReader contactReader;
  outbox::Dispatcher dispatcher;
  const members::Tombstones tombstones;
  const members::PasswordLinks passwordLinks;
  members::PasswordIssuer issuer;
  members::ContactUpdater updater;
  passwords::HashPool hashPool;
  const members::PasswordWiper passwordWiper;
  const sync::Workshop workshop;
};

}  // namespace mbr::app
