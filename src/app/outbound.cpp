#include "app/outbound.h"

namespace mbr::app {
namespace {

// Of one request, its wait for the budget included; well below the lease of a job.
constexpr std::chrono::seconds kCallDeadline{30};

passwords::Hasher::Options keptIn(passwords::HashMemory& memory) {
  passwords::Hasher::Options options;
  options.memory = &memory;
  return options;
}

}  // namespace

Account::Account(const config::Config& config, store::Store& store,
                 const Installation& installation, const Clock& clock,
                 const RightOfWay* loginsFirst)
    : network(openNetwork(config.activecampaign)),
      budget(store, clock, activecampaign::Rate(config.activecampaign.rate)),
      breaker(clock),
      features(installation.features(),
               [&store](const std::string& saved) { rememberFeatures(store, saved); }),
      clients([this] { return network->newTransport(); }, budget, breaker, features, clock,
              loginsFirst) {}

Outbound::Outbound(const Ground& ground)
    : linkTokens(ground.keys, ground.config.autologinTokenField),
      generator(ground.config.generator, ground.random),
      hasher(ground.keys, ground.random, keptIn(hashMemory)),
      sealer(ground.keys, ground.random),
      contactReader(ground.store, ground.directories,
                    {ground.config.passwordField, ground.installation.hiddenFields(), &linkTokens}),
      dispatcher(ground.store, ground.clock, ground.random, timer, ground.config.outbox),
      tombstones(ground.keys),
      passwordLinks(ground.keys, ground.random,
                    {ground.config.hooks.publicUrl, ground.config.linkLife}),
      issuer(generator, hasher, sealer, ground.clock,
             {ground.config.passwordPolicy, ground.config.wipeAfter, &passwordLinks}),
      updater(issuer, ground.clock,
              {ground.config.passwordRule, ground.installation.installedAt(),
               ground.config.autologinTokenField, &tombstones}),
      hashPool({ground.config.hashPool.threads, ground.config.hashPool.queue, ground.loginsFirst,
                &hashMemory}),
      passwordWiper(ground.store, hasher, hashPool, ground.config.passwordPolicy,
                    [this] { dispatcher.wake(); }),
      workshop{ground.store,   ground.clock,
               dispatcher,     ground.account.clients,
               contactReader,  ground.directories,
               updater,        issuer,
               kCallDeadline,  ground.config.passwordRule,
               &passwordWiper, ground.config.bulkFrom} {
  sync::registerJobHandlers(dispatcher, workshop);
}

}  // namespace mbr::app
