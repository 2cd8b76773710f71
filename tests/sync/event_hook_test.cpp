#include "sync/event_hook.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "activecampaign/breaker.h"
#include "activecampaign/features.h"
#include "activecampaign/rate_budget.h"
#include "activecampaign/transport.h"
#include "base/json.h"
#include "ops/metrics.h"
#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/test_store.h"
#include "sync/captured_log.h"

namespace mbr::sync {
namespace {

using namespace std::chrono_literals;
using activecampaign::HttpAnswer;
using activecampaign::HttpCall;

constexpr const char* kSite = "https://example.com";
constexpr const char* kHere = "https://example.com/membergate/hooks/events";
constexpr const char* kCode = "c0de-of-the-test";
const std::string kRight = std::string(kHere) + "?code=" + kCode;

// The webhooks of an account, as the API shows them.
class HookAccount final : public activecampaign::Transport {
 public:
  struct Hook {
    std::string name;
    std::string url;
    std::vector<std::string> events{"subscribe", "unsubscribe", "update", "contact_tag_added",
                                    "contact_tag_removed"};
    std::vector<std::string> sources{"public", "admin", "api", "system"};
    std::string list = "0";
  };

  std::map<std::int64_t, Hook> hooks;
  std::vector<std::string> log;  // "PUT webhooks/1"

  std::int64_t add(const std::string& url) {
    Hook hook;
    hook.name = "of a user";
    hook.url = url;
    hooks[++lastId_] = hook;
    return lastId_;
  }
  // Runs before the next request of that method takes effect.
  void before(const std::string& method, std::function<void()> happens) {
    happenings_[method] = std::move(happens);
  }
  // The next request of that method is answered so, and does nothing.
  void refuse(const std::string& method, int status, std::string body) {
    refusals_[method] = {status, std::move(body)};
  }
  int changes() const {
    return static_cast<int>(std::count_if(log.begin(), log.end(), [](const std::string& line) {
      return line.compare(0, 3, "GET") != 0;
    }));
  }

  Result<HttpAnswer> send(const HttpCall& call) override {
    const auto token = call.takeToken();
    if (!token) return token.error();
    if (const auto happens = std::exchange(happenings_[call.method], nullptr)) happens();
    log.push_back(call.method + " " + call.path);
    HttpAnswer answer;
    if (const auto refused = refusals_.find(call.method); refused != refusals_.end()) {
      answer.status = refused->second.first;
      answer.body = refused->second.second;
      refusals_.erase(refused);
    } else {
      serve(call, answer);
    }
    answer.sentAt = *token;
    return answer;
  }

 private:
  static json::Array texts(const std::vector<std::string>& all) {
    json::Array out;
    for (const std::string& each : all) out.emplace_back(each);
    return out;
  }
  json::Object shown(std::int64_t id) const {
    const Hook& hook = hooks.at(id);
    return {{"cdate", "2016-01-01T12:00:00-00:00"},
            {"listid", hook.list},
            {"name", hook.name},
            {"url", hook.url},
            {"events", texts(hook.events)},
            {"sources", texts(hook.sources)},
            {"links", json::Array{}},
            {"id", std::to_string(id)}};
  }
  static void read(const json::Value& body, Hook& hook) {
    const auto textsOf = [&](const char* key) {
      std::vector<std::string> all;
      for (const json::Value& each : *body[key].asArray()) all.push_back(each.textOr(""));
      return all;
    };
    hook.name = body["name"].textOr("");
    hook.url = body["url"].textOr("");
    hook.events = textsOf("events");
    hook.sources = textsOf("sources");
    hook.list = body["listid"].textOr("");
  }
  void serve(const HttpCall& call, HttpAnswer& answer) {
    const auto slash = call.path.find('/');
    std::int64_t id = slash == std::string::npos ? 0 : std::stoll(call.path.substr(slash + 1));
    answer.status = 200;
    if (call.method == "GET") {
      json::Array rows;
      for (const auto& [each, hook] : hooks) rows.emplace_back(shown(each));
      const auto total = std::to_string(rows.size());
      answer.body = json::write(
          json::Object{{"webhooks", std::move(rows)}, {"meta", json::Object{{"total", total}}}});
    } else if (call.method == "DELETE") {
      answer.status = hooks.erase(id) == 1 ? 200 : 404;
      answer.body = answer.status == 200 ? "{}" : R"({"message":"No Result found"})";
    } else {
      if (call.method == "POST") {
        id = ++lastId_;
        answer.status = 201;
      }
      read((*json::parse(call.body))["webhook"], hooks[id]);
      answer.body = json::write(json::Object{{"webhook", shown(id)}});
    }
  }

  std::int64_t lastId_ = 0;
  std::map<std::string, std::function<void()>> happenings_;
  std::map<std::string, std::pair<int, std::string>> refusals_;
};

// One installation: a store, a client, a keeper.
struct House {
  explicit House(test::FakeClock& time, HookAccount& account, HookOptions given, std::string name)
      : clock(time),
        client(account, budget, breaker, features, time),
        options(std::move(given)),
        hook(
            store, time, options, [this] { return nextCode(); }, std::move(name)) {}

  Result<Secret> nextCode() const {
    if (code.empty()) return Error{Code::kUnavailable, "no code", std::nullopt};
    return Secret(code);
  }
  activecampaign::Call call() const { return {Lane::kSite, clock.steady() + 60s, nullptr}; }
  Result<HookReport> keep() { return hook.keep(client, call()); }

  std::string meta(const std::string& key) {
    std::string text;
    database.read([&](store::Reader& reader) { text = reader.findMeta(key).value_or(""); });
    return text;
  }
  std::vector<Gap> gaps() {
    std::vector<Gap> all;
    database.read([&](store::Reader& reader) { all = reader.listOpenGaps(); });
    return all;
  }
  // As a sweep does that ends well.
  void closeGaps() {
    database.write([&](store::Transaction& tx) {
      Sweep sweep;
      sweep.startedAt = clock.now();
      sweep.holder = "sweeper";
      sweep.leaseUntil = clock.now() + 60s;
      sweep.id = tx.addSweep(sweep);
      sweep.state = SweepState::kDone;
      sweep.endedAt = clock.now();
      tx.saveSweep(sweep);
    });
    CPPUNIT_ASSERT(gaps().empty());
  }

  test::FakeClock& clock;
  test::TestStore database{clock};
  test::FailingStore store{database};
  activecampaign::RateBudget budget{store, clock, activecampaign::Rate(1000)};
  activecampaign::Breaker breaker{clock};
  activecampaign::Features features;
  activecampaign::Client client;
  HookOptions options;
  std::string code = kCode;
  EventHook hook;
};

HookOptions wanted(bool yes = true) {
  HookOptions options;
  options.wanted = yes;
  options.publicUrl = kSite;
  return options;
}

class EventHookTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EventHookTest);
  CPPUNIT_TEST(theFirstTimeItIsCreatedAndAGapIsOpenedFromNow);
  CPPUNIT_TEST(oneThatIsRightIsLeftAndTheCheckIsRemembered);
  CPPUNIT_TEST(oneWithMoreEventsAndSourcesIsRight);
  CPPUNIT_TEST(oneThatWasMadeBeforeUsIsTakenOver);
  CPPUNIT_TEST(anotherCodeIsRepaired);
  CPPUNIT_TEST(lackingEventsSourcesAndAListAreRepairedAndExtraOnesStay);
  CPPUNIT_TEST(oneThatIsGoneIsMadeAgainAndTheGapBeginsAtTheLastCheck);
  CPPUNIT_TEST(aRepairWhoseEndIsNotStoredStillOpensItsGap);
  CPPUNIT_TEST(doublesAreRemovedAndTheLowestIdStays);
  CPPUNIT_TEST(foreignHooksAreNeverTouched);
  CPPUNIT_TEST(whileAnotherHasTheLeaseNothingIsAsked);
  CPPUNIT_TEST(aLeaseThatHasEndedIsTaken);
  CPPUNIT_TEST(aLeaseOfAClockThatWasSetBackIsTaken);
  CPPUNIT_TEST(whoLostItsLeaseChangesNothingMore);
  CPPUNIT_TEST(twoKeepersThatRaceEndWithOneHook);
  CPPUNIT_TEST(backToAutomationRemovesIt);
  CPPUNIT_TEST(withoutOneRegisteredNothingIsAskedOrRemoved);
  CPPUNIT_TEST(removeTakesAwayWhatIsNotRemembered);
  CPPUNIT_TEST(aNewPublicUrlMovesTheHook);
  CPPUNIT_TEST(replaceMakesANewOne);
  CPPUNIT_TEST(statusChangesNothing);
  CPPUNIT_TEST(aFailedListChangesNothing);
  CPPUNIT_TEST(withoutACodeNothingIsAsked);
  CPPUNIT_TEST(aRefusedHookLeavesNothingRemembered);
  CPPUNIT_TEST(theCodeIsInNoLogErrorReportOrRow);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  HookAccount account_;
  std::unique_ptr<House> house_ = std::make_unique<House>(clock_, account_, wanted(), "one");

  HookReport kept() {
    const auto report = house_->keep();
    CPPUNIT_ASSERT_MESSAGE(report ? "" : report.error().detail, report.ok());
    return *report;
  }
  // Registered once, its first gap worked off, and an hour later.
  void registered() {
    kept();
    clock_.advance(1min);
    house_->closeGaps();
    clock_.advance(1h);
    account_.log.clear();
  }
  HookAccount::Hook& only() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, account_.hooks.size());
    return account_.hooks.begin()->second;
  }
  void assertGap(Instant from, Instant to) {
    const auto gaps = house_->gaps();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, gaps.size());
    CPPUNIT_ASSERT_EQUAL(std::string(gap_reason::kHook), gaps.front().why);
    CPPUNIT_ASSERT_EQUAL(toEpochMs(from), toEpochMs(gaps.front().from));
    CPPUNIT_ASSERT_EQUAL(toEpochMs(to), toEpochMs(gaps.front().to));
  }

  void theFirstTimeItIsCreatedAndAGapIsOpenedFromNow() {
    const HookReport report = kept();
    CPPUNIT_ASSERT(report.state == HookState::kCreated);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.id);
    CPPUNIT_ASSERT_EQUAL(std::string(kHere), report.url);
    CPPUNIT_ASSERT_EQUAL(std::string("Membergate"), only().name);
    CPPUNIT_ASSERT_EQUAL(kRight, only().url);
    CPPUNIT_ASSERT(only().events == wanted().events);
    CPPUNIT_ASSERT(only().sources == wanted().sources);
    CPPUNIT_ASSERT_EQUAL(std::string("0"), only().list);
    CPPUNIT_ASSERT_EQUAL(std::string(kHere), house_->meta("hooks.url"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), house_->meta("hooks.id"));
    assertGap(clock_.now(), clock_.now());
    CPPUNIT_ASSERT(ops::metricsText().find("membergate_event_hook_registered 1") !=
                   std::string::npos);
  }

  void oneThatIsRightIsLeftAndTheCheckIsRemembered() {
    registered();
    const HookReport report = kept();
    CPPUNIT_ASSERT(report.state == HookState::kRegistered);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, account_.log.size());
    CPPUNIT_ASSERT(house_->gaps().empty());
    CPPUNIT_ASSERT(report.checkedAt == std::optional<Instant>(clock_.now()));
    CPPUNIT_ASSERT_EQUAL(std::to_string(toEpochMs(clock_.now())), house_->meta("hooks.checked_at"));
    CPPUNIT_ASSERT_EQUAL(std::string(), house_->meta("hooks.lease"));
  }

  void oneWithMoreEventsAndSourcesIsRight() {
    registered();
    only().events.insert(only().events.begin(), "open");
    only().sources.emplace_back("more");
    CPPUNIT_ASSERT(kept().state == HookState::kRegistered);
    CPPUNIT_ASSERT_EQUAL(0, account_.changes());
  }

  void oneThatWasMadeBeforeUsIsTakenOver() {
    account_.add(kRight);
    CPPUNIT_ASSERT(kept().state == HookState::kRegistered);
    CPPUNIT_ASSERT_EQUAL(0, account_.changes());
    assertGap(clock_.now(), clock_.now());
  }

  void anotherCodeIsRepaired() {
    registered();
    const Instant checked = clock_.now() - 1h - 1min;
    house_->code = "rotated";
    const HookReport report = kept();
    CPPUNIT_ASSERT(report.state == HookState::kRepaired);
    CPPUNIT_ASSERT_EQUAL(std::string("url"), report.what);
    CPPUNIT_ASSERT_EQUAL(std::string(kHere) + "?code=rotated", only().url);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.id);
    assertGap(checked, clock_.now());
  }

  void lackingEventsSourcesAndAListAreRepairedAndExtraOnesStay() {
    registered();
    only().events = {"open", "update"};
    only().sources = {"public"};
    only().list = "7";
    const HookReport report = kept();
    CPPUNIT_ASSERT(report.state == HookState::kRepaired);
    CPPUNIT_ASSERT_EQUAL(std::string("events,sources,list"), report.what);
    const std::vector<std::string> all{
        "open", "update", "subscribe", "unsubscribe", "contact_tag_added", "contact_tag_removed"};
    CPPUNIT_ASSERT(only().events == all);
    CPPUNIT_ASSERT(report.events == all);
    CPPUNIT_ASSERT(only().sources ==
                   (std::vector<std::string>{"public", "admin", "api", "system"}));
    CPPUNIT_ASSERT_EQUAL(std::string("0"), only().list);
    CPPUNIT_ASSERT_EQUAL(std::string("Membergate"), only().name);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, house_->gaps().size());
  }

  void oneThatIsGoneIsMadeAgainAndTheGapBeginsAtTheLastCheck() {
    registered();
    kept();
    const Instant checked = clock_.now();
    clock_.advance(5min);
    account_.hooks.clear();
    const test::CapturedLog log;
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);
    only();
    assertGap(checked, clock_.now());
    CPPUNIT_ASSERT(log.has("event_hook_repaired") && log.has("missing"));
  }

  void aRepairWhoseEndIsNotStoredStillOpensItsGap() {
    registered();
    const Instant checked = clock_.now() - 1h - 1min;
    only().events = {"update"};
    account_.before("PUT", [&] {  // the process ends with its commit
      house_->store.failAt(test::FailingStore::Step::kBegin, 1, 1000);
    });
    CPPUNIT_ASSERT(!house_->keep().ok());
    house_->store.failAt(test::FailingStore::Step::kBegin, 1, 0);
    CPPUNIT_ASSERT(house_->gaps().empty());
    clock_.advance(5min);
    CPPUNIT_ASSERT(kept().state == HookState::kRegistered);
    assertGap(checked, clock_.now());
    house_->closeGaps();
    kept();
    CPPUNIT_ASSERT(house_->gaps().empty());
  }

  void doublesAreRemovedAndTheLowestIdStays() {
    registered();
    account_.add(kRight);
    account_.add(std::string(kHere) + "?code=old");
    account_.add(kHere);
    const test::CapturedLog log;
    const HookReport report = kept();
    CPPUNIT_ASSERT(report.state == HookState::kRegistered);
    CPPUNIT_ASSERT_EQUAL(3, report.doublesRemoved);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.id);
    only();
    CPPUNIT_ASSERT(account_.hooks.count(1) == 1);
    CPPUNIT_ASSERT(house_->gaps().empty());
    CPPUNIT_ASSERT(log.has("\"event\":\"event_hook_doubles_removed\",\"count\":3"));
  }

  void foreignHooksAreNeverTouched() {
    for (const char* url :
         {"https://example.com/membergate/hooks/events2?code=x",
          "https://example.com/?mbr_genpass=1", "https://example.com/membergate/hooks/genpass",
          "http://example.com/membergate/hooks/events",
          "https://other.example.com/membergate/hooks/events?code=x", "https://example.com",
          "https://x.example/?u=https://example.com/membergate/hooks/events", ""}) {
      account_.add(url);
    }
    const auto before = account_.hooks.size();
    kept();
    only_(before + 1);
    CPPUNIT_ASSERT(house_->hook.remove(house_->client, house_->call()).ok());
    only_(before);
    for (const std::string& line : account_.log) {
      CPPUNIT_ASSERT_MESSAGE(line, line.compare(0, 3, "PUT") != 0);
    }
  }
  void only_(std::size_t number) { CPPUNIT_ASSERT_EQUAL(number, account_.hooks.size()); }

  void leaseOf(const std::string& holder, Milliseconds until) {
    house_->database.write([&](store::Transaction& tx) {
      tx.setMeta("hooks.lease", holder + ":" + std::to_string(toEpochMs(clock_.now() + until)));
    });
  }
  void whileAnotherHasTheLeaseNothingIsAsked() {
    leaseOf("two", 45s);
    const auto report = house_->keep();
    CPPUNIT_ASSERT(!report.ok());
    CPPUNIT_ASSERT(report.error().code == Code::kBusy);
    CPPUNIT_ASSERT(report.error().retryAfter == std::optional<Milliseconds>(45s));
    CPPUNIT_ASSERT(house_->hook.replace(house_->client, house_->call()).error().code ==
                   Code::kBusy);
    CPPUNIT_ASSERT(account_.log.empty());
  }
  void aLeaseThatHasEndedIsTaken() {
    leaseOf("two", 45s);
    clock_.advance(45s);
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);
  }
  void aLeaseOfAClockThatWasSetBackIsTaken() {
    leaseOf("two", 2h);
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);
  }
  void whoLostItsLeaseChangesNothingMore() {
    account_.before("GET", [&] {
      clock_.advance(61s);
      leaseOf("two", 60s);
    });
    const auto call = activecampaign::Call{Lane::kSite, clock_.steady() + 1h, nullptr};
    const auto report = house_->hook.keep(house_->client, call);
    CPPUNIT_ASSERT(!report.ok());
    CPPUNIT_ASSERT(report.error().code == Code::kBusy);
    CPPUNIT_ASSERT(account_.hooks.empty());
    CPPUNIT_ASSERT(house_->meta("hooks.lease").compare(0, 4, "two:") == 0);
  }

  void twoKeepersThatRaceEndWithOneHook() {
    House other(clock_, account_, wanted(), "two");  // a store of its own
    account_.before("POST", [&] { CPPUNIT_ASSERT(other.keep().ok()); });
    const HookReport report = kept();
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.id);
    CPPUNIT_ASSERT_EQUAL(1, report.doublesRemoved);
    CPPUNIT_ASSERT_EQUAL(kRight, only().url);
    CPPUNIT_ASSERT(other.keep()->state == HookState::kRegistered);
  }

  // The same installation after its configuration was changed.
  Result<HookReport> keepWith(HookOptions options) {
    EventHook hook(
        house_->store, clock_, std::move(options), [] { return Result<Secret>(Secret(kCode)); },
        "one");
    return hook.keep(house_->client, house_->call());
  }

  void backToAutomationRemovesIt() {
    registered();
    account_.add("https://example.com/other");
    HookOptions none = wanted(false);
    none.publicUrl.clear();
    const auto report = keepWith(none);
    CPPUNIT_ASSERT(report.ok() && report->state == HookState::kRemoved);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report->id);
    CPPUNIT_ASSERT_EQUAL(std::string("https://example.com/other"), only().url);
    CPPUNIT_ASSERT(ops::metricsText().find("membergate_event_hook_registered 0") !=
                   std::string::npos);
    account_.log.clear();
    CPPUNIT_ASSERT(keepWith(none)->state == HookState::kNone);
    CPPUNIT_ASSERT(account_.log.empty());
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);  // as if for the first time
    assertGap(clock_.now(), clock_.now());
  }

  void withoutOneRegisteredNothingIsAskedOrRemoved() {
    account_.add(kRight);
    CPPUNIT_ASSERT(keepWith(wanted(false))->state == HookState::kNone);
    CPPUNIT_ASSERT(account_.log.empty());
    only();
  }

  void removeTakesAwayWhatIsNotRemembered() {
    account_.add(kRight);
    account_.add(kRight);
    const auto report = house_->hook.remove(house_->client, house_->call());
    CPPUNIT_ASSERT(report.ok() && report->state == HookState::kRemoved);
    CPPUNIT_ASSERT_EQUAL(1, report->doublesRemoved);
    CPPUNIT_ASSERT(account_.hooks.empty());
    CPPUNIT_ASSERT(house_->hook.remove(house_->client, house_->call())->state == HookState::kNone);
  }

  void aNewPublicUrlMovesTheHook() {
    registered();
    const Instant checked = clock_.now() - 1h - 1min;
    HookOptions moved = wanted();
    moved.publicUrl = "https://new.example";
    const auto report = keepWith(moved);
    CPPUNIT_ASSERT(report.ok() && report->state == HookState::kCreated);
    CPPUNIT_ASSERT_EQUAL(1, report->doublesRemoved);
    CPPUNIT_ASSERT_EQUAL(std::string("https://new.example/membergate/hooks/events?code=") + kCode,
                         only().url);
    assertGap(checked, clock_.now());
  }

  void replaceMakesANewOne() {
    registered();
    account_.add(kRight);
    CPPUNIT_ASSERT(house_->hook.replace(house_->client, house_->call()).ok());
    only();
    CPPUNIT_ASSERT(account_.hooks.count(3) == 1);
    CPPUNIT_ASSERT_EQUAL(std::string("3"), house_->meta("hooks.id"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, house_->gaps().size());
    account_.refuse("POST", 500, "");
    CPPUNIT_ASSERT(!house_->hook.replace(house_->client, house_->call()).ok());
    CPPUNIT_ASSERT(account_.hooks.empty());
    clock_.advance(5min);
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);
  }

  void statusChangesNothing() {
    const auto status = [&] { return *house_->hook.status(house_->client, house_->call()); };
    CPPUNIT_ASSERT(status().state == HookState::kMissing);
    account_.add(kRight);
    HookReport report = status();
    CPPUNIT_ASSERT(report.state == HookState::kRegistered);
    CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, report.id);
    CPPUNIT_ASSERT(!report.checkedAt);
    only().list = "3";
    account_.add(kHere);
    report = status();
    CPPUNIT_ASSERT(report.state == HookState::kWrong);
    CPPUNIT_ASSERT_EQUAL(std::string("list,doubles"), report.what);
    CPPUNIT_ASSERT_EQUAL(0, account_.changes());
    CPPUNIT_ASSERT(house_->gaps().empty());
    CPPUNIT_ASSERT_EQUAL(std::string(), house_->meta("hooks.url"));
  }

  void aFailedListChangesNothing() {
    registered();
    const std::string checked = house_->meta("hooks.checked_at");
    account_.hooks.clear();
    account_.refuse("GET", 200, "<html>");
    CPPUNIT_ASSERT(!house_->keep().ok());
    account_.refuse("GET", 200, R"({"webhooks":[{"id":"1"}],"meta":{"total":"1"}})");
    CPPUNIT_ASSERT(!house_->keep().ok());
    CPPUNIT_ASSERT_EQUAL(0, account_.changes());
    CPPUNIT_ASSERT_EQUAL(checked, house_->meta("hooks.checked_at"));
    CPPUNIT_ASSERT(house_->gaps().empty());
    CPPUNIT_ASSERT_EQUAL(std::string(), house_->meta("hooks.lease"));
  }

  void withoutACodeNothingIsAsked() {
    house_->code.clear();
    CPPUNIT_ASSERT(!house_->keep().ok());
    CPPUNIT_ASSERT(account_.log.empty());
    HookOptions nowhere = wanted();
    nowhere.publicUrl.clear();
    CPPUNIT_ASSERT(keepWith(nowhere).error().code == Code::kInvalid);
  }

  void aRefusedHookLeavesNothingRemembered() {
    account_.refuse("POST", 422, R"({"errors":[{"title":"The url is not reachable"}]})");
    CPPUNIT_ASSERT(!house_->keep().ok());
    CPPUNIT_ASSERT_EQUAL(std::string(), house_->meta("hooks.url"));
    CPPUNIT_ASSERT(house_->gaps().empty());
    CPPUNIT_ASSERT(kept().state == HookState::kCreated);
  }

  void theCodeIsInNoLogErrorReportOrRow() {
    const test::CapturedLog log;
    account_.refuse("POST", 422, R"({"errors":[{"title":"bad url )" + kRight + R"("}]})");
    const auto refused = house_->keep();
    CPPUNIT_ASSERT(!refused.ok());
    CPPUNIT_ASSERT(refused.error().detail.find(kCode) == std::string::npos);
    registered();
    only().events.clear();
    account_.add(kRight);
    const HookReport report = kept();
    CPPUNIT_ASSERT(house_->hook.replace(house_->client, house_->call()).ok());
    const auto removed = house_->hook.remove(house_->client, house_->call());
    for (const std::string& text : {report.url, report.what, removed->url, removed->what}) {
      CPPUNIT_ASSERT_MESSAGE(text, text.find(kCode) == std::string::npos);
    }
    for (const char* key : {"hooks.url", "hooks.id", "hooks.lease", "hooks.checked_at"}) {
      CPPUNIT_ASSERT_MESSAGE(key, house_->meta(key).find(kCode) == std::string::npos);
    }
    CPPUNIT_ASSERT(log.has("event_hook_"));
    CPPUNIT_ASSERT(!log.has(kCode));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(EventHookTest);

}  // namespace
}  // namespace mbr::sync
