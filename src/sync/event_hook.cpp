#include "sync/event_hook.h"

#include <algorithm>
#include <utility>

#include "ops/log.h"
#include "ops/metrics.h"
#include "sync/hook_memory.h"

namespace mbr::sync {
namespace {

using activecampaign::Call;
using activecampaign::Client;
using activecampaign::Webhook;

constexpr const char* kName = "Membergate";

bool isAt(const Webhook& webhook, const std::string& base) {
  const std::string& url = webhook.url.reveal();
  return !base.empty() && url.compare(0, url.find('?'), base) == 0;
}

// Those of `wanted` that are not in `have`.
std::vector<std::string> lacking(const std::vector<std::string>& have,
                                 const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& each : wanted) {
    if (std::find(have.begin(), have.end(), each) == have.end()) missing.push_back(each);
  }
  return missing;
}

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::string faultsOf(const Webhook& webhook, const Secret& url, const HookOptions& options) {
  std::string faults;
  const auto note = [&](bool wrong, const char* what) {
    if (wrong) faults += (faults.empty() ? "" : ",") + std::string(what);
  };
  note(!webhook.url.equals(url.reveal()), "url");
  note(!lacking(webhook.events, options.events).empty(), "events");
  note(!lacking(webhook.sources, options.sources).empty(), "sources");
  note(webhook.list != 0, "list");
  return faults;
}

void showRegistered(bool registered) {
  ops::gauge("membergate_event_hook_registered",
             "1 if the last check found or made the event webhook, 0 if it was removed.")
      .set(registered ? 1 : 0);
}

}  // namespace

std::string_view toString(HookState state) {
  switch (state) {
    case HookState::kNone:
      return "none";
    case HookState::kRegistered:
      return "registered";
    case HookState::kCreated:
      return "created";
    case HookState::kRepaired:
      return "repaired";
    case HookState::kRemoved:
      return "removed";
    case HookState::kMissing:
      return "missing";
    case HookState::kWrong:
      return "wrong";
  }
  return "";
}

// Everything that is done under one lease. The lease is renewed before each change, so that one who
// was slow does not go on beside his successor.
class EventHook::Round {
 public:
  Round(const EventHook& hook, Client& client, const Call& call)
      : hook_(hook),
        client_(client),
        call_(call),
        base_(hook.options_.publicUrl.empty()
                  ? ""
                  : hook.options_.publicUrl + std::string(kEventHookPath)) {}
  ~Round() {
    if (!holding_) return;
    const Outcome freed = hook_.store_.write([this](store::Transaction& tx) -> Outcome {
      giveHookLeaseBack(tx, hook_.holder_);
      return Done{};
    });
    // It ends by itself.
    if (!freed) ops::logWarning("event_hook_lease_kept", {{"detail", freed.error().detail}});
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  // First of all, but for status(). Errors: kBusy, the store's.
  Outcome begin() {
    const Outcome taken = hook_.store_.write([this](store::Transaction& tx) -> Outcome {
      memory_ = readHookMemory(tx);
      return takeHookLease(tx, hook_.holder_, hook_.clock_.now());
    });
    holding_ = taken.ok();
    return taken;
  }

  Result<HookReport> keep(bool anew);
  Result<HookReport> remove();
  Result<HookReport> status();

 private:
  // Our webhooks, the lowest id first: at the URL of now, and at the one of before.
  struct Found {
    std::vector<Webhook> here;
    std::vector<Webhook> former;
  };

  Result<Found> list();
  Result<Secret> urlWithCode(const std::string& base);
  Outcome holdOn();
  Outcome beginRepair();
  Outcome erase(const std::vector<Webhook>& webhooks, int& erased);
  Result<std::int64_t> create(const Secret& url);
  Outcome repair(Webhook& webhook, const Secret& url);
  Outcome eraseDoubles(const std::vector<Webhook>& doubles, HookReport& report);
  Outcome remember(const HookReport& report);

  const EventHook& hook_;
  Client& client_;
  const Call& call_;
  const std::string base_;  // our URL without the query; empty = not known
  HookMemory memory_;
  bool holding_ = false;
};

Result<EventHook::Round::Found> EventHook::Round::list() {
  auto all = client_.listWebhooks(call_);
  if (!all) return all.error();
  std::sort(all->begin(), all->end(),
            [](const Webhook& a, const Webhook& b) { return a.id < b.id; });
  Found found;
  for (Webhook& webhook : *all) {
    if (isAt(webhook, base_)) {
      found.here.push_back(std::move(webhook));
    } else if (isAt(webhook, memory_.url)) {
      found.former.push_back(std::move(webhook));
    }
  }
  return found;
}

Result<Secret> EventHook::Round::urlWithCode(const std::string& base) {
  const auto code = hook_.code_();
  if (!code) return code.error();
  return Secret::take(base + "?code=" + code->reveal());
}

Outcome EventHook::Round::holdOn() {
  return hook_.store_.write([this](store::Transaction& tx) -> Outcome {
    return takeHookLease(tx, hook_.holder_, hook_.clock_.now());
  });
}

// Says first that events may be missing, so that this is not forgotten if the process ends before
// the repair is committed.
Outcome EventHook::Round::beginRepair() {
  if (memory_.url.empty() || memory_.gapFrom) return holdOn();
  const Instant since = memory_.checkedAt.value_or(hook_.clock_.now());
  const Outcome noted = hook_.store_.write([&](store::Transaction& tx) -> Outcome {
    rememberRepair(tx, since);
    return takeHookLease(tx, hook_.holder_, hook_.clock_.now());
  });
  if (noted) memory_.gapFrom = since;
  return noted;
}

Outcome EventHook::Round::erase(const std::vector<Webhook>& webhooks, int& erased) {
  for (const Webhook& webhook : webhooks) {
    if (const Outcome held = holdOn(); !held) return held;
    if (const Outcome gone = client_.deleteWebhook(call_, webhook.id); !gone) return gone;
    ++erased;
  }
  return Done{};
}

Result<std::int64_t> EventHook::Round::create(const Secret& url) {
  if (const Outcome begun = beginRepair(); !begun) return begun.error();
  Webhook webhook;
  webhook.name = kName;
  webhook.url = url;
  webhook.events = hook_.options_.events;
  webhook.sources = hook_.options_.sources;
  return client_.createWebhook(call_, webhook);
}

Outcome EventHook::Round::repair(Webhook& webhook, const Secret& url) {
  if (const Outcome begun = beginRepair(); !begun) return begun;
  webhook.url = url;
  append(webhook.events, lacking(webhook.events, hook_.options_.events));
  append(webhook.sources, lacking(webhook.sources, hook_.options_.sources));
  webhook.list = 0;
  return client_.updateWebhook(call_, webhook);
}

Outcome EventHook::Round::eraseDoubles(const std::vector<Webhook>& doubles, HookReport& report) {
  const Outcome erased = erase(doubles, report.doublesRemoved);
  if (report.doublesRemoved > 0) {
    ops::logWarning("event_hook_doubles_removed", {{"count", report.doublesRemoved}});
  }
  return erased;
}

Result<HookReport> EventHook::Round::keep(bool anew) {
  const auto url = urlWithCode(base_);
  if (!url) return url.error();
  HookReport report;
  report.url = base_;
  report.checkedAt = hook_.clock_.now();  // the list is not younger than its question
  auto found = list();
  if (!found) return found.error();

  report.state = HookState::kRegistered;
  if (anew) {
    if (const Outcome begun = beginRepair(); !begun) return begun.error();
    int erased = 0;
    if (const Outcome gone = erase(found->here, erased); !gone) return gone.error();
    found->here.clear();
  }
  if (found->here.empty()) {
    const auto id = create(*url);
    if (!id) return id.error();
    report.state = HookState::kCreated;
    if (memory_.url.empty()) {
      ops::logInfo("event_hook_registered", {{"hook_id", *id}});
    } else {
      ops::logWarning("event_hook_repaired",
                      {{"hook_id", *id}, {"what", anew ? "replaced" : "missing"}});
    }
    // Another installation with our URL may have done the same since the list above.
    report.checkedAt = hook_.clock_.now();
    found = list();
    if (!found) return found.error();
    if (found->here.empty()) {
      Webhook made;
      made.id = *id;
      made.url = *url;
      made.events = hook_.options_.events;
      made.sources = hook_.options_.sources;
      found->here.push_back(std::move(made));
    }
  } else if (memory_.url.empty()) {
    ops::logInfo("event_hook_registered", {{"hook_id", found->here.front().id}, {"found", true}});
  }

  Webhook& stays = found->here.front();
  report.what = faultsOf(stays, *url, hook_.options_);
  if (!report.what.empty()) {
    if (const Outcome repaired = repair(stays, *url); !repaired) return repaired.error();
    if (report.state == HookState::kRegistered) report.state = HookState::kRepaired;
    ops::logWarning("event_hook_repaired", {{"hook_id", stays.id}, {"what", report.what}});
  }
  report.id = stays.id;
  report.events = stays.events;

  std::vector<Webhook> doubles(found->here.begin() + 1, found->here.end());
  std::move(found->former.begin(), found->former.end(), std::back_inserter(doubles));
  if (const Outcome gone = eraseDoubles(doubles, report); !gone) return gone.error();
  if (const Outcome saved = remember(report); !saved) return saved.error();
  showRegistered(true);
  return report;
}

Outcome EventHook::Round::remember(const HookReport& report) {
  const Instant now = hook_.clock_.now();
  // Before the first registration nothing was sent, and at another URL nothing may have arrived.
  const bool missed = memory_.url != base_ || memory_.gapFrom;
  const Instant since = memory_.url.empty() ? now : memory_.checkedAt.value_or(now);
  return hook_.store_.write([&](store::Transaction& tx) -> Outcome {
    if (missed) tx.openGap(gap_reason::kHook, memory_.gapFrom.value_or(since), now);
    rememberHook(tx, {report.url, report.id, report.checkedAt, std::nullopt});
    return Done{};
  });
}

Result<HookReport> EventHook::Round::remove() {
  HookReport report;
  report.url = base_.empty() ? memory_.url : base_;
  auto found = list();
  if (!found) return found.error();
  std::vector<Webhook> all = std::move(found->here);
  std::move(found->former.begin(), found->former.end(), std::back_inserter(all));
  int erased = 0;
  if (const Outcome gone = erase(all, erased); !gone) return gone.error();
  const Outcome forgotten = hook_.store_.write([](store::Transaction& tx) -> Outcome {
    rememberHook(tx, {});
    return Done{};
  });
  if (!forgotten) return forgotten.error();
  showRegistered(false);
  if (all.empty()) return report;
  report.state = HookState::kRemoved;
  report.id = all.front().id;
  report.doublesRemoved = erased - 1;
  ops::logInfo("event_hook_removed", {{"count", erased}});
  return report;
}

Result<HookReport> EventHook::Round::status() {
  auto memory = readHookMemory(hook_.store_);
  if (!memory) return memory.error();
  memory_ = std::move(*memory);
  HookReport report;
  report.url = base_.empty() ? memory_.url : base_;
  report.checkedAt = memory_.checkedAt;
  if (report.url.empty()) return report;
  const auto url = urlWithCode(report.url);
  if (!url) return url.error();
  const auto found = list();
  if (!found) return found.error();
  const auto& ours = found->here.empty() ? found->former : found->here;
  if (ours.empty()) {
    report.state = hook_.options_.wanted ? HookState::kMissing : HookState::kNone;
    return report;
  }
  report.id = ours.front().id;
  report.events = ours.front().events;
  report.what = faultsOf(ours.front(), *url, hook_.options_);
  if (found->here.size() + found->former.size() > 1) {
    report.what += report.what.empty() ? "doubles" : ",doubles";
  }
  report.state = report.what.empty() ? HookState::kRegistered : HookState::kWrong;
  return report;
}

EventHook::EventHook(store::Store& store, const Clock& clock, HookOptions options, CodeFn code,
                     std::string holder)
    : store_(store),
      clock_(clock),
      options_(std::move(options)),
      code_(std::move(code)),
      holder_(std::move(holder)) {}

Result<HookReport> EventHook::keep(Client& client, const Call& call) {
  if (!options_.wanted) {
    const auto memory = readHookMemory(store_);
    if (!memory) return memory.error();
    if (memory->url.empty()) return HookReport{};
    return remove(client, call);
  }
  if (options_.publicUrl.empty()) return Error{Code::kInvalid, "webhooks.public_url is not set"};
  Round round(*this, client, call);
  if (const Outcome begun = round.begin(); !begun) return begun.error();
  return round.keep(false);
}

Result<HookReport> EventHook::remove(Client& client, const Call& call) {
  const auto memory = readHookMemory(store_);
  if (!memory) return memory.error();
  if (memory->url.empty() && options_.publicUrl.empty()) return HookReport{};
  Round round(*this, client, call);
  if (const Outcome begun = round.begin(); !begun) return begun.error();
  return round.remove();
}

Outcome EventHook::replace(Client& client, const Call& call) {
  if (!options_.wanted || options_.publicUrl.empty()) {
    return Error{Code::kInvalid, "no event webhook is wanted"};
  }
  Round round(*this, client, call);
  if (const Outcome begun = round.begin(); !begun) return begun;
  const auto kept = round.keep(true);
  if (!kept) return kept.error();
  return Done{};
}

Result<HookReport> EventHook::status(Client& client, const Call& call) {
  return Round(*this, client, call).status();
}

}  // namespace mbr::sync
