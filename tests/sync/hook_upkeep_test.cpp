#include "sync/hook_upkeep.h"

#include <cppunit/extensions/HelperMacros.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "activecampaign/breaker.h"
#include "activecampaign/features.h"
#include "activecampaign/rate_budget.h"
#include "base/json.h"
#include "support/await.h"
#include "support/fake_clock.h"
#include "support/test_store.h"

namespace mbr::sync {
namespace {

using namespace std::chrono_literals;
using activecampaign::HttpAnswer;
using activecampaign::HttpCall;

constexpr std::chrono::seconds kPatience{20};  // the longest a test waits for the thread

// The webhooks of an account. Thread-safe.
class Webhooks {
 public:
  std::unique_ptr<activecampaign::Transport> connect() { return std::make_unique<Line>(*this); }

  // Of requests of that method that were answered, once there are as many; fewer if none come.
  int await(const std::string& method, int count, Milliseconds atMost = kPatience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, atMost, [&] { return counts_[method] >= count; });
    return counts_[method];
  }
  int count(const std::string& method) {
    const std::lock_guard lock(mutex_);
    return counts_[method];
  }
  std::vector<std::int64_t> ids() {
    const std::lock_guard lock(mutex_);
    std::vector<std::int64_t> all;
    for (const auto& each : hooks_) all.push_back(each.first);
    return all;
  }
  void fail(int times) {
    const std::lock_guard lock(mutex_);
    failing_ = times;
  }

 private:
  class Line final : public activecampaign::Transport {
   public:
    explicit Line(Webhooks& webhooks) : webhooks_(webhooks) {}
    Result<HttpAnswer> send(const HttpCall& call) override {
      const auto token = call.takeToken();
      if (!token) return token.error();
      HttpAnswer answer = webhooks_.serve(call);
      answer.sentAt = *token;
      return answer;
    }

   private:
    Webhooks& webhooks_;
  };

  HttpAnswer serve(const HttpCall& call) {
    const std::lock_guard lock(mutex_);
    ++counts_[call.method];
    changed_.notify_all();
    HttpAnswer answer;
    answer.status = 500;
    if (failing_ > 0) {
      --failing_;
      return answer;
    }
    answer.status = 200;
    answer.body = "{}";
    const auto slash = call.path.find('/');
    if (call.method == "GET") {
      json::Array rows;
      for (const auto& each : hooks_) rows.emplace_back(shown(each.first));
      const auto total = std::to_string(rows.size());
      answer.body = json::write(
          json::Object{{"webhooks", std::move(rows)}, {"meta", json::Object{{"total", total}}}});
    } else if (call.method == "DELETE") {
      hooks_.erase(std::stoll(call.path.substr(slash + 1)));
    } else {
      const std::int64_t id =
          call.method == "POST" ? ++lastId_ : std::stoll(call.path.substr(slash + 1));
      hooks_[id] = (*json::parse(call.body))["webhook"];
      answer.body = json::write(json::Object{{"webhook", shown(id)}});
    }
    return answer;
  }
  json::Object shown(std::int64_t id) const {
    const json::Value& hook = hooks_.at(id);
    return {{"id", std::to_string(id)}, {"name", hook["name"]},       {"url", hook["url"]},
            {"events", hook["events"]}, {"sources", hook["sources"]}, {"listid", "0"}};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, json::Value> hooks_;  // guarded by mutex_
  std::map<std::string, int> counts_;          // guarded by mutex_
  std::int64_t lastId_ = 0;                    // guarded by mutex_
  int failing_ = 0;                            // guarded by mutex_
};

}  // namespace

class HookUpkeepTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HookUpkeepTest);
  CPPUNIT_TEST(aStartRegistersTheWebhook);
  CPPUNIT_TEST(aCheckThatPassesIsNews);
  CPPUNIT_TEST(whereNoneIsWantedThereIsNoNews);
  CPPUNIT_TEST(theNextCheckComesInItsTime);
  CPPUNIT_TEST(aCheckThatFailsIsRepeatedSooner);
  CPPUNIT_TEST(aSilentWebhookIsMadeAnewWhenContactsChanged);
  CPPUNIT_TEST(aWebhookThatSpeaksStays);
  CPPUNIT_TEST(itIsMadeAnewAtMostOnceAnHour);
  CPPUNIT_TEST(aPassThatFoundNothingDoesNotCount);
  CPPUNIT_TEST(aStopEndsTheThread);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  test::TestStore store_{clock_};
  Webhooks webhooks_;
  activecampaign::RateBudget budget_{store_, clock_, activecampaign::Rate(1000)};
  activecampaign::Breaker breaker_{clock_};
  activecampaign::Features features_;
  ClientPool clients_{[this] { return webhooks_.connect(); }, budget_, breaker_, features_, clock_};
  members::HookCoverage coverage_{true, clock_};
  HookOptions hookOptions_;
  std::unique_ptr<EventHook> hook_;
  std::unique_ptr<HookUpkeep> upkeep_;

 public:
  void setUp() override {
    hookOptions_.wanted = true;
    hookOptions_.publicUrl = "https://example.com";
    coverage_.setGaps(false, std::nullopt);
  }
  void tearDown() override { upkeep_.reset(); }

 private:
  void start() {
    hook_ = std::make_unique<EventHook>(
        store_, clock_, hookOptions_, [] { return Result<Secret>(Secret("c0de")); }, "one");
    upkeep_ = std::make_unique<HookUpkeep>(*hook_, clients_, store_, coverage_, clock_,
                                           HookUpkeep::Options{});
    upkeep_->start();
  }
  // With a webhook that was registered just now, and no look under way.
  void startRegistered() {
    start();
    CPPUNIT_ASSERT_EQUAL(1, webhooks_.await("POST", 1));
    awaitCover();
  }
  bool covered() const {
    Contact contact;
    contact.confirmed = true;
    contact.pulledAt = clock_.now();
    return coverage_.covers(contact);
  }
  void awaitCover() const {
    test::await("it is not covered", [this] { return covered(); });
  }
  void deliver() {
    store_.write([this](store::Transaction& tx) {
      store::DeliveryRecord delivery;
      delivery.receivedAt = clock_.now();
      delivery.route = "events";
      delivery.digest = std::string(16, 'd');
      delivery.status = "accepted";
      tx.addDelivery(delivery);
    });
  }
  // Lets minutes pass until the thread has looked once more. It may still be at its last look when
  // the first of them do, so it is woken after each.
  void lookAgain() {
    const int looks = webhooks_.count("GET");
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (webhooks_.count("GET") == looks && std::chrono::steady_clock::now() < until) {
      clock_.advance(1min);
      upkeep_->onDrift(1);
      (void)webhooks_.await("GET", looks + 1, 20ms);
    }
    CPPUNIT_ASSERT(webhooks_.count("GET") > looks);
  }

  void aStartRegistersTheWebhook() {
    startRegistered();
    CPPUNIT_ASSERT(webhooks_.ids() == std::vector<std::int64_t>({1}));
  }

  void aCheckThatPassesIsNews() {
    CPPUNIT_ASSERT(!covered());
    startRegistered();
    clock_.advance(11min);
    CPPUNIT_ASSERT(!covered());
    deliver();
    lookAgain();
    awaitCover();
  }

  void whereNoneIsWantedThereIsNoNews() {
    hookOptions_.wanted = false;
    start();
    upkeep_->stop();
    CPPUNIT_ASSERT(!covered());
    CPPUNIT_ASSERT(webhooks_.ids().empty());
  }

  void theNextCheckComesInItsTime() {
    startRegistered();
    const Instant begun = clock_.now();
    for (int i = 0; i < 5; ++i) {
      deliver();
      lookAgain();
    }
    CPPUNIT_ASSERT(clock_.now() - begun >= 4 * 5min);
    CPPUNIT_ASSERT_EQUAL(0, webhooks_.count("DELETE"));
  }

  void aCheckThatFailsIsRepeatedSooner() {
    webhooks_.fail(1);
    start();
    CPPUNIT_ASSERT_EQUAL(1, webhooks_.await("GET", 1));
    deliver();
    const Instant begun = clock_.now();
    lookAgain();
    CPPUNIT_ASSERT_EQUAL(1, webhooks_.await("POST", 1));
    CPPUNIT_ASSERT(clock_.now() - begun < 5min);
  }

  void aSilentWebhookIsMadeAnewWhenContactsChanged() {
    startRegistered();
    deliver();
    clock_.advance(11min);
    upkeep_->onDrift(1);
    CPPUNIT_ASSERT_EQUAL(2, webhooks_.await("POST", 2));
    awaitCover();
    CPPUNIT_ASSERT(webhooks_.ids() == std::vector<std::int64_t>({2}));
  }

  void aWebhookThatSpeaksStays() {
    startRegistered();
    deliver();
    lookAgain();
    upkeep_->stop();
    CPPUNIT_ASSERT(clock_.now() - Instant{1700000000s} < 10min);
    CPPUNIT_ASSERT(webhooks_.ids() == std::vector<std::int64_t>({1}));
    CPPUNIT_ASSERT_EQUAL(0, webhooks_.count("DELETE"));
  }

  void itIsMadeAnewAtMostOnceAnHour() {
    startRegistered();
    clock_.advance(11min);
    upkeep_->onDrift(1);
    CPPUNIT_ASSERT_EQUAL(2, webhooks_.await("POST", 2));
    awaitCover();
    const Instant made = clock_.now();
    while (clock_.now() - made < 45min) lookAgain();
    CPPUNIT_ASSERT(clock_.now() - made < 60min);
    CPPUNIT_ASSERT_EQUAL(2, webhooks_.count("POST"));
    clock_.advance(60min);
    upkeep_->onDrift(1);
    CPPUNIT_ASSERT_EQUAL(3, webhooks_.await("POST", 3));
  }

  void aPassThatFoundNothingDoesNotCount() {
    startRegistered();
    clock_.advance(11min);
    upkeep_->onDrift(0);
    upkeep_->stop();
    CPPUNIT_ASSERT_EQUAL(1, webhooks_.count("POST"));
    CPPUNIT_ASSERT_EQUAL(0, webhooks_.count("DELETE"));
  }

  void aStopEndsTheThread() {
    startRegistered();
    upkeep_->stop();
    upkeep_->stop();
    const int looks = webhooks_.count("GET");
    clock_.advance(1h);
    upkeep_->onDrift(1);
    CPPUNIT_ASSERT_EQUAL(looks, webhooks_.count("GET"));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HookUpkeepTest);

}  // namespace mbr::sync
