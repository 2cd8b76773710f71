#include "sync/steps.h"

#include <algorithm>

#include "base/json.h"

namespace mbr::sync {
namespace {

using members::PasswordPayload;
using members::Step;
using outbox::Verdict;

// ActiveCampaign's clock and ours may differ by this much.
constexpr std::chrono::minutes kClockTolerance{2};

// True if the error is ActiveCampaign's considered no to this one request.
bool isRefusal(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kNotFound ||
         error.code == Code::kConflict;
}

// Carries the step out; sets its state. Errors: worth another try.
Outcome applyTag(activecampaign::Client& client, ContactId contact, Step& step,
                 const activecampaign::Call& call) {
  const auto added = client.addTag(call, contact, step.id);
  if (!added && !isRefusal(added.error())) return added.error();
  step.state = added ? Step::State::kApplied : Step::State::kRefused;
  if (!added) step.detail = added.error().detail;
  return Done{};
}

Outcome enter(activecampaign::Client& client, ContactId contact, Step& step,
              const activecampaign::Call& call) {
  const auto entered = client.enterAutomation(call, contact, step.id);
  if (!entered && !isRefusal(entered.error())) return entered.error();
  const bool ok = entered && entered->entered;
  step.state = ok ? Step::State::kApplied : Step::State::kRefused;
  if (!ok) step.detail = entered ? entered->words : entered.error().detail;
  return Done{};
}

}  // namespace

Result<bool> hasEntered(activecampaign::Client& client, ContactId contact, AutomationId automation,
                        Instant since, const activecampaign::Call& call) {
  const auto entries = client.listContactAutomations(call, contact);
  if (!entries) return entries.error();
  return std::any_of(entries->begin(), entries->end(), [&](const auto& entry) {
    return entry.automation == automation &&
           (!entry.enteredAt || *entry.enteredAt >= since - kClockTolerance);
  });
}

std::optional<Verdict> runSteps(const Workshop& workshop, Job& job, PasswordPayload& payload,
                                ContactId contact, const StopFlag& stop) {
  const auto client = workshop.clients.lease();
  const auto save = [&](Verdict::Effects also = {}) {
    job.payload = members::write(payload);
    return workshop.dispatcher.checkpoint(job, std::move(also));
  };
  for (Step& step : payload.steps) {
    if (step.state == Step::State::kApplied || step.state == Step::State::kRefused) continue;
    if (stop.raised()) return Verdict::retry({Code::kBusy, "stopping", Milliseconds{0}});
    const auto call = [&] { return workshop.call(job.lane, stop); };
    Outcome done = Done{};
    Verdict::Effects effects;
    if (step.kind == Step::Kind::kTag) {
      done = applyTag(*client, contact, step, call());
      if (done && step.state == Step::State::kApplied) {
        effects = [&workshop, contact, tag = step.id](store::Transaction& tx) {
          workshop.updater.applyOwnTags(tx, contact, {tag}, {});
        };
      }
    } else {
      // An automation is not idempotent: the start is on disk before the request, and a step found
      // started is looked up before it is sent again.
      const bool seenStarted = step.state == Step::State::kStarted;
      if (!seenStarted) {
        step.state = Step::State::kStarted;
        step.startedAt = workshop.clock.now();
        if (const Outcome saved = save(); !saved) return Verdict::retry(saved.error());
      }
      if (seenStarted) {
        const auto there = hasEntered(*client, contact, step.id, step.startedAt, call());
        if (!there) return Verdict::retry(there.error());
        if (*there) step.state = Step::State::kApplied;
      }
      if (step.state == Step::State::kStarted) done = enter(*client, contact, step, call());
    }
    if (!done) return Verdict::retry(done.error());
    if (const Outcome saved = save(std::move(effects)); !saved)
      return Verdict::retry(saved.error());
  }
  return std::nullopt;
}

Verdict endOf(const PasswordPayload& payload) {
  json::Array results;
  std::string refusal;
  for (const Step& step : payload.steps) {
    const bool tag = step.kind == Step::Kind::kTag;
    const bool applied = step.state == Step::State::kApplied;
    if (!applied && refusal.empty()) {
      refusal =
          std::string(tag ? "tag " : "automation ") + std::to_string(step.id) + ": " + step.detail;
    }
    results.push_back(json::Object{{"kind", tag ? "tag" : "automation"},
                                   {"id", std::to_string(step.id)},
                                   {"name", ""},
                                   {"action", "add"},
                                   {"result", applied ? "applied" : "refused"},
                                   {"detail", step.detail}});
  }
  std::string result = json::write(std::move(results));
  if (refusal.empty()) return Verdict::done(std::move(result));
  return Verdict::refused(std::move(result), std::move(refusal));
}

}  // namespace mbr::sync
