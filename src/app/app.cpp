#include "app/app.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "access/admin_sessions.h"
#include "access/api_keys.h"
#include "access/codes.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "api/authz_routes.h"
#include "api/awaited_change.h"
#include "api/change_routes.h"
#include "api/contact_lookup.h"
#include "api/contact_routes.h"
#include "api/contact_write_routes.h"
#include "api/document_routes.h"
#include "api/erase_routes.h"
#include "api/health_routes.h"
#include "api/job_routes.h"
#include "api/login_routes.h"
#include "api/membership_routes.h"
#include "api/password_routes.h"
#include "api/session_routes.h"
#include "api/status_routes.h"
#include "app/history_keeper.h"
#include "app/housekeeper.h"
#include "app/installation.h"
#include "app/outbound.h"
#include "app/process_lock.h"
#include "app/stand_in.h"
#include "app/status.h"
#include "app/status_desk.h"
#include "app/support.h"
#include "app/workbench.h"
#include "contacts/contact_cache.h"
#include "contacts/directories.h"
#include "fastcgi/server.h"
#include "http/router.h"
#include "logins/logins.h"
#include "members/change_feed.h"
#include "members/change_intake.h"
#include "members/delivery_applier.h"
#include "members/hook_coverage.h"
#include "members/last_login.h"
#include "members/link_verifier.h"
#include "members/login_verifier.h"
#include "members/member_clearer.h"
#include "members/password_changer.h"
#include "members/reset_requests.h"
#include "members/visitors.h"
#include "ops/log.h"
#include "ops/metrics.h"
#include "pages/pages.h"
#include "passwords/key_ring.h"
#include "store/sql/sql_store.h"
#include "sync/event_hook.h"
#include "sync/hook_upkeep.h"
#include "sync/live_pull.h"
#include "sync/lost_webhooks.h"
#include "sync/reconciler.h"
#include "sync/shed_listener.h"
#include "webhook/auth_route.h"
#include "webhook/autologin_route.h"
#include "webhook/routes.h"

namespace mbr::app {
namespace {

constexpr std::chrono::hours kDirectoriesEvery{1};
constexpr std::chrono::minutes kPruneEvery{5};  // a bounded number of rows each time
constexpr std::chrono::minutes kHistoryEvery{1};
constexpr std::chrono::hours kDay{24};

// Hash pool, live pulls, housekeeper, sweep, hook upkeep, shed listener, status desk.
constexpr int kOtherReaders = 12;

// Once every contact was seen, a login that matches nobody is seldom worth a question.
constexpr double kDoubtPullsAfterSweep = 1.0;

// How long what is only history is kept.
constexpr auto kKeepDeliveries = 30 * kDay;
constexpr auto kKeepChanges = 30 * kDay;
constexpr auto kKeepJobs = 30 * kDay;
constexpr auto kKeepAudit = 400 * kDay;
constexpr auto kKeepDeleted = 30 * kDay;

// The store's writer goes last, and looks at what other processes commit until then. Once this has
// gone it tells nobody any more.
class Listening {
 public:
  Listening() = default;
  ~Listening() {
    const std::lock_guard lock(gate_->mutex);
    gate_->open = false;
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  store::Store::Listener whileHere(store::Store::Listener listener) const {
    return [gate = gate_, listener = std::move(listener)](const std::vector<store::Change>& all) {
      const std::lock_guard lock(gate->mutex);
      if (gate->open) listener(all);
    };
  }

 private:
  struct Gate {
    std::mutex mutex;
    bool open = true;  // guarded by mutex
  };
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
};

}  // namespace

// Every object of the service, in the order in which they depend on each other; they go in the
// reverse order.
struct App::House {
  explicit House(config::Config given);

  webhook::HiddenField hiddenFields() const;
  void releaseLeft();
  void subscribe();
  void addRoutes();
  void addChores();
  void flushThrottle();
  void followVisitors();
  void prune();
  void keepHistory();
  void showQueue();
  void followHooks();

  config::Config config;
  SystemClock clock;
  SystemRandom random;
  const std::string holder;  // this process among those that share the store
  const passwords::KeyRing keys;
  RightOfWay loginsFirst;
  const std::unique_ptr<store::Store> store;
  ProcessLock lock;
  const Installation installation;

  contacts::Directories directories;
  contacts::ContactCache cache;

  access::Codes codes;
  access::ApiKeys apiKeys;
  access::Throttle throttle;
  access::Sessions sessions;
  access::AdminSessions adminSessions;

  Account account;
  Outbound outbound;
  members::ChangeIntake intake;
  members::DeliveryApplier applier;
  sync::LivePull livePull;
  members::PasswordChanger passwordChanger;
  const members::ChangeFeed changeFeed;
  members::HookCoverage coverage;
  members::LastLogin lastLogin;
  members::LoginVerifier verifier;
  members::ResetRequests resetRequests;
  members::LinkVerifier linkVerifier;
  members::MemberClearer clearer;
  sync::EventHook eventHook;
  sync::HookUpkeep hookUpkeep;
  sync::Reconciler reconciler;
  sync::ShedListener shedListener;
  sync::LostWebhooks lostWebhooks;
  logins::Logins logins;

  webhook::WebhookRoutes webhookRoutes;
  webhook::AuthRoute authRoute;
  webhook::AutologinRoute autologinRoute;
  api::ContactLookup lookup;
  api::LoginRoutes loginRoutes;
  api::AuthzRoutes authzRoutes;
  api::ContactRoutes contactRoutes;
  const api::AwaitedChanges changes;
  api::ContactWriteRoutes contactWriteRoutes;
  api::MembershipRoutes membershipRoutes;
  api::EraseRoutes eraseRoutes;
  api::PasswordRoutes passwordRoutes;
  api::SessionRoutes sessionRoutes;
  api::ChangeRoutes changeRoutes;
  api::JobRoutes jobRoutes;
  Status status;
  const Support support;
  StatusDesk statusDesk;
  HistoryKeeper history;
  api::StatusRoutes statusRoutes;
  api::HealthRoutes healthRoutes;
  pages::Pages pages;
  http::Router router;

  Housekeeper housekeeper;
  fastcgi::Server server;
  Listening listening;  // goes first
};

namespace {

std::vector<api::HealthCheck> healthChecks(store::Store& store,
                                           const activecampaign::Breaker& breaker) {
  using State = api::Health::State;
  const auto storeCheck = [&store]() -> api::Health {
    const Outcome read = store.read([](store::Reader& reader) -> Outcome {
      (void)reader.lastChangeId();
      return Done{};
    });
    if (read) return {State::kOk, ""};
    return {State::kFailed, "the database does not answer"};
  };
  // ActiveCampaign down is no reason to take the service away: logins and webhooks go on.
  const auto accountCheck = [&breaker]() -> api::Health {
    if (breaker.account() == activecampaign::AccountState::kRefused) {
      return {State::kDegraded, "ActiveCampaign refuses the API key"};
    }
    if (breaker.open()) return {State::kDegraded, "ActiveCampaign does not answer"};
    return {State::kOk, ""};
  };
  return {{"store", storeCheck}, {"activecampaign", accountCheck}};
}

api::EraseRoutes::Erase eraser(store::Store& store, const members::Tombstones& tombstones) {
  return [&store, &tombstones](const api::EraseRoutes::Order& order,
                               const store::Store::DoneFn& done) {
    const auto erase = [&tombstones, order](store::Transaction& tx) {
      return tombstones.erase(tx, order.who, order.actor, order.requestId);
    };
    store.submit(erase, done);
  };
}

logins::Logins::SaveSession sessionSaver(store::Store& store) {
  return [&store](const store::SessionRecord& session, Instant credentialChangedAt,
                  const store::Store::DoneFn& done) {
    const auto save = [session, credentialChangedAt](store::Transaction& tx) -> Outcome {
      const auto credential = tx.findCredential(session.contactId);
      if (!credential || credential->changedAt != credentialChangedAt) {
        return Error{Code::kConflict, "the password changed while it was checked"};
      }
      tx.saveSession(session);
      return Done{};
    };
    store.submitAhead(save, done);
  };
}

webhook::AutologinRoute::SaveSession linkSessionSaver(store::Store& store) {
  return [&store](const store::SessionRecord& session, const store::Store::DoneFn& done) {
    const auto save = [session](store::Transaction& tx) -> Outcome {
      const auto contact = tx.findContact(session.contactId);
      if (!contact || contact->deletedAt) return Error{Code::kConflict, "the contact is gone"};
      tx.saveSession(session);
      return Done{};
    };
    store.submitAhead(save, done);
  };
}

}  // namespace

App::House::House(config::Config given)
    : config(std::move(given)),
      holder(holderName(random)),
      keys(loadKeys(config.masterKeyFile)),
      // A session for each thread that reads, so that none waits for another's.
      store(openStore(config.storePath, clock,
                      config.server.threads + config.outbox.workers + kOtherReaders, &loginsFirst)),
      lock(ProcessLock::pathFor(config.storePath)),
      installation(*store, keys, config),
      directories(*store),
      cache(*store, directories, {config.cache.maxBytes, installation.hiddenFields()}),
      codes(*store, keys, random, clock),
      apiKeys(*store, random, clock),
      throttle(*store, keys, clock),
      sessions(*store, random, clock, config.sessions),
      adminSessions(apiKeys, random, clock),
      account(config, *store, installation, clock, &loginsFirst),
      outbound(
          {config, *store, keys, clock, random, installation, directories, account, &loginsFirst}),
      intake(
          *store, clock, [this] { outbound.dispatcher.wake(); }, &outbound.tombstones),
      applier(*store, directories, outbound.sealer, clock,
              {config.deliveries.duplicateWindow, installation.hiddenFields(), config.passwordRule,
               &outbound.tombstones},
              [this] { outbound.dispatcher.wake(); }),
      livePull(outbound.contactReader, account.clients, outbound.updater, *store, clock,
               outbound.timer, {}),
      passwordChanger(*store, outbound.hasher, outbound.hashPool, outbound.sealer, clock,
                      [this] { outbound.dispatcher.wake(); },
                      {config.passwordPolicy, &outbound.passwordLinks}),
      changeFeed(*store),
      coverage(config.hooks.wanted, clock),
      lastLogin(
          *store, directories, clock, [this] { outbound.dispatcher.wake(); },
          config.lastLoginField),
      verifier(*store, cache, directories, livePull, outbound.hasher, outbound.hashPool, clock,
               config.login, &coverage, &lastLogin, &outbound.passwordWiper),
      resetRequests(*store, keys, outbound.passwordLinks, [this] { outbound.dispatcher.wake(); },
                    {config.passwordPolicy, config.resetAutomation,
                     [this](const Contact& contact) { return verifier.isEntitled(contact); },
                     !config.login.requiredTags.empty()}),
      linkVerifier(cache, livePull, verifier, outbound.linkTokens, clock, config.login.refresh,
                   config.login.deadline, &lastLogin),
      clearer(*store),
      eventHook(
          *store, clock, config.hooks, [this] { return codes.currentEventHookCode(); }, holder),
      hookUpkeep(eventHook, account.clients, *store, coverage, clock, {}),
      reconciler(*store, clock, account.clients, outbound.contactReader, outbound.updater, coverage,
                 {config.sweeps, config.hooks.wanted, holder},
                 [this](std::int64_t contacts) { hookUpkeep.onDrift(contacts); }),
      shedListener(*store, clock, {config.shedSocket}),
      lostWebhooks(*store, clock),
      logins(throttle, sessions, verifier, clock, sessionSaver(*store), {config.loginFailureTime}),
      webhookRoutes(
          {config.maxWebhookBodyBytes, [this] { return hiddenFields(); },
           keys.subkey("delivery", keys.currentId()).value(), [this] { lostWebhooks.note(); }},
          codes, applier, clearer, clock),
      authRoute({[this] { return hiddenFields(); }}, codes, logins, directories),
      autologinRoute({config.autologin, config.loginFailureTime}, codes, throttle, sessions,
                     linkVerifier, clock, linkSessionSaver(*store)),
      lookup(cache, livePull, clock, {}),
      loginRoutes(apiKeys, logins),
      authzRoutes(sessions, cache, directories, clock, {config.gateRules, config.login.banTag}),
      contactRoutes(apiKeys, lookup),
      changes(intake, outbound.dispatcher),
      contactWriteRoutes(
          apiKeys, lookup, changes,
          [this](std::string_view key) { return installation.hides(key, *directories.names()); }),
      membershipRoutes(apiKeys, lookup, changes),
      eraseRoutes(apiKeys, eraser(*store, outbound.tombstones)),
      passwordRoutes(apiKeys, throttle, sessions, lookup, passwordChanger, outbound.dispatcher,
                     {config.loginFailureTime}),
      sessionRoutes(apiKeys, sessions, cache,
                    [this](const Contact& contact) { return !verifier.isBanned(contact); }),
      changeRoutes(apiKeys, changeFeed),
      jobRoutes(apiKeys, [this](JobId id) { return findJob(*store, id); }),
      status(*store, account.breaker, clock, config.activecampaign.rate),
      support(*store, keys, config, installation, directories, clock),
      statusDesk(*store, cache, outbound.dispatcher, account.breaker, status, support, clock,
                 config.activecampaign.rate),
      history(*store),
      statusRoutes(apiKeys, [this] { return status.read(); }),
      healthRoutes(healthChecks(*store, account.breaker)),
      pages(
          {config.pageTexts, config.loginFailureTime}, keys, random, logins, sessions, cache,
          [this](const Contact& contact) { return !verifier.isBanned(contact); },
          [this](const Email& email, std::string_view address, std::function<void(Outcome)> done) {
            resetRequests.ask(email, address, std::move(done));
          },
          [this](const Secret& token, const Secret& password,
                 const members::PasswordChanger::DoneFn& done) {
            passwordChanger.setByLink(token, password, done);
          },
          adminSessions, throttle, statusDesk.sources()),
      housekeeper(clock),
      server(config.server, clock, [this](const http::Request& request, http::Reply reply) {
        router.handle(request, std::move(reply));
      }) {
  subscribe();
  addRoutes();
  addChores();
  require(codes.reload());
  require(apiKeys.reload());
  require(throttle.load());
  releaseLeft();
}

// No command may be at work either.
void App::House::releaseLeft() {
  const ProcessLock standIns(StandIn::lockFor(config.storePath));
  if (lock.wasAlone() && standIns.wasAlone()) require(releaseLeases(*store));
  lock.share();
}

// By the names as they are now.
webhook::HiddenField App::House::hiddenFields() const {
  return [this, names = directories.names()](std::string_view key) {
    return installation.hides(key, *names);
  };
}

// Caches are told before anyone learns that a commit happened.
void App::House::subscribe() {
  store->subscribe(listening.whileHere([this](const std::vector<store::Change>& told) {
    for (const store::Change& change : told) {
      if (change.kind == store::ChangeKind::kDirectory) directories.invalidate();
      if (change.kind == store::ChangeKind::kCode) codes.onChange();
      if (change.kind == store::ChangeKind::kApiKey) apiKeys.onChange();
    }
    cache.invalidate(told);
    outbound.dispatcher.onChanges(told);
    changeRoutes.onChanges(told);
    reconciler.onChanges(told);
  }));
}

void App::House::addRoutes() {
  webhookRoutes.registerOn(router);
  authRoute.registerOn(router);
  autologinRoute.registerOn(router);
  loginRoutes.registerOn(router);
  authzRoutes.registerOn(router);
  contactRoutes.registerOn(router);
  contactWriteRoutes.registerOn(router);
  membershipRoutes.registerOn(router);
  eraseRoutes.registerOn(router);
  passwordRoutes.registerOn(router);
  sessionRoutes.registerOn(router);
  changeRoutes.registerOn(router);
  statusRoutes.registerOn(router);
  jobRoutes.registerOn(router);
  healthRoutes.registerOn(router);
  pages.registerOn(router);
  api::registerDocumentRoutes(router);
}

void App::House::addChores() {
  housekeeper.add("directories", kDirectoriesEvery, [this] {
    const Outcome queued = store->write([](store::Transaction& tx) -> Outcome {
      members::enqueueDirectories(tx);
      return Done{};
    });
    if (queued) outbound.dispatcher.wake();
  });
  housekeeper.add("lost_webhooks", std::chrono::seconds{1}, [this] { lostWebhooks.flush(); });
  housekeeper.add("hooks", std::chrono::seconds{5}, [this] { followHooks(); });
  housekeeper.add("throttle", std::chrono::milliseconds{500}, [this] { flushThrottle(); });
  housekeeper.add("queue_metrics", std::chrono::seconds{5}, [this] { showQueue(); });
  housekeeper.add("status", std::chrono::seconds{30}, [this] { status.count(); });
  housekeeper.add("visitors",
                  std::clamp<Milliseconds>(config.sessionRefresh / 4, std::chrono::seconds{1},
                                           std::chrono::minutes{1}),
                  [this] { followVisitors(); });
  housekeeper.add("history", kHistoryEvery, [this] { keepHistory(); });
  housekeeper.add("prune", kPruneEvery, [this] { prune(); });
}

void App::House::flushThrottle() {
  const Outcome flushed = throttle.flush();
  if (!flushed) ops::logWarning("throttle_not_saved", {{"detail", flushed.error().detail}});
}

void App::House::followVisitors() {
  const auto queued = members::refreshVisitors(*store, clock, config.sessionRefresh);
  if (!queued) {
    return ops::logWarning("visitors_not_refreshed", {{"detail", queued.error().detail}});
  }
  if (*queued > 0) outbound.dispatcher.wake();
}

void App::House::prune() {
  const Instant now = clock.now();
  const Outcome pruned = store->write([now](store::Transaction& tx) -> Outcome {
    tx.prune(now - kKeepDeliveries, now - kKeepChanges, now - kKeepJobs, now - kKeepAudit);
    tx.purgeDeleted(now - kKeepDeleted);
    return Done{};
  });
  if (!pruned) ops::logWarning("prune_failed", {{"detail", pruned.error().detail}});
  const Outcome thinned = history.prune();
  if (!thinned) ops::logWarning("prune_failed", {{"detail", thinned.error().detail}});
}

void App::House::keepHistory() {
  const Outcome kept = history.collect();
  if (!kept) ops::logWarning("history_not_kept", {{"detail", kept.error().detail}});
}

void App::House::showQueue() {
  std::vector<store::JobCounts> counts;
  const Outcome read = store->read([&](store::Reader& reader) -> Outcome {
    counts = reader.countJobs();
    return Done{};
  });
  if (!read) return;
  const auto show = [&](Lane lane, JobState state) {
    std::int64_t count = 0;
    for (const store::JobCounts& row : counts) {
      if (row.lane == static_cast<int>(lane) && row.state == static_cast<int>(state)) {
        count += row.count;
      }
    }
    ops::gauge("membergate_outbox_jobs", "Jobs by lane and state.",
               {{"lane", std::string(toString(lane))}, {"state", std::string(toString(state))}})
        .set(static_cast<double>(count));
  };
  for (int lane = 0; lane < kLaneCount; ++lane) {
    for (const JobState state :
         {JobState::kWaiting, JobState::kQueued, JobState::kRunning, JobState::kDead}) {
      show(static_cast<Lane>(lane), state);
    }
  }
  ops::gauge("membergate_cache_bytes", "Memory that cached contacts take, estimated.")
      .set(static_cast<double>(cache.bytes()));
}

// What logins want to know of hooks and sweeps.
void App::House::followHooks() {
  std::optional<Instant> delivery;
  bool swept = false;
  const Outcome read = store->read([&](store::Reader& reader) -> Outcome {
    if (config.hooks.wanted) delivery = reader.lastDeliveryAt("events");
    swept = reader.findMeta(sync::kLastFullSweep).has_value();
    return Done{};
  });
  if (!read) return;
  if (delivery) coverage.noteNews(*delivery);
  if (swept) verifier.setDoubtPullsPerSecond(kDoubtPullsAfterSweep);
}

App::App(config::Config config) : house_(std::make_unique<House>(std::move(config))) {}

App::~App() { stop(); }

void App::start() {
  house_->outbound.dispatcher.start();
  house_->livePull.start();
  house_->statusDesk.start();
  house_->shedListener.start();
  house_->reconciler.start();
  house_->hookUpkeep.start();
  house_->housekeeper.start();
  require(house_->server.start());
  ops::logInfo("started", {{"threads", house_->config.server.threads}});
}

void App::stop() {
  if (!house_) return;
  house_->server.stopAccepting();
  house_->server.stop();
  house_->statusDesk.stop();
  house_->shedListener.stop();
  house_->hookUpkeep.stop();
  house_->reconciler.stop();
  house_->livePull.stop();
  house_->outbound.dispatcher.stop();
  house_->outbound.hashPool.stop();
  house_->housekeeper.stop();
  house_->flushThrottle();
  house_->keepHistory();
  house_->lostWebhooks.flush();
  house_->outbound.timer.stop();
  // The writer works in order: once this is through, nothing it holds refers to what goes now.
  (void)house_->store->write([](store::Transaction&) -> Outcome { return Done{}; });
  house_.reset();
  ops::logInfo("stopped");
}

}  // namespace mbr::app
