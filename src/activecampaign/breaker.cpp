#include "activecampaign/breaker.h"

#include <algorithm>
#include <utility>

#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::activecampaign {
namespace {

// How long those wait who come while the probe is out.
constexpr Milliseconds kProbeOut{1000};

ops::Gauge& openGauge() {
  static ops::Gauge& gauge =
      ops::gauge("membergate_ac_breaker_open", "1 while calls to ActiveCampaign fail at once.");
  return gauge;
}

ops::Gauge& refusedGauge() {
  static ops::Gauge& gauge =
      ops::gauge("membergate_ac_account_refused", "1 while ActiveCampaign refuses the API key.");
  return gauge;
}

}  // namespace

Admission admit(const Circuit& circuit, SteadyInstant now) {
  Admission admission;
  admission.after = circuit;
  if (!circuit.isOpen()) {
    admission.admitted = true;
  } else if (now < circuit.probeAt) {
    admission.wait = std::chrono::ceil<Milliseconds>(circuit.probeAt - now);
  } else if (circuit.probing) {
    admission.wait = kProbeOut;
  } else {
    admission.admitted = true;
    admission.probe = true;
    admission.after.probing = true;
  }
  return admission;
}

Circuit afterSuccess(const Circuit&) { return Circuit{}; }

Circuit afterFailure(const Circuit& circuit, bool probe, SteadyInstant now,
                     Circuit::Limits limits) {
  Circuit after = circuit;
  ++after.failures;
  if (circuit.isOpen()) {
    if (!probe) return after;  // it was sent before the circuit opened
    after.probing = false;
    after.pause = std::min(circuit.pause * 2, limits.lastPause);
  } else if (after.failures >= limits.failures) {
    after.pause = limits.firstPause;
  }
  if (after.isOpen()) after.probeAt = now + after.pause;
  return after;
}

Circuit afterNothing(const Circuit& circuit, bool probe) {
  Circuit after = circuit;
  if (probe) after.probing = false;
  return after;
}

Breaker::Pass::Pass(Pass&& other) noexcept
    : breaker_(std::exchange(other.breaker_, nullptr)),
      networkProbe_(other.networkProbe_),
      accountProbe_(other.accountProbe_) {}

void Breaker::Pass::end(End how) {
  if (Breaker* breaker = std::exchange(breaker_, nullptr)) breaker->report(*this, how);
}

Breaker::Breaker(const Clock& clock) : clock_(clock) { publish(); }

Result<Breaker::Pass> Breaker::admit() {
  const std::lock_guard lock(mutex_);
  const SteadyInstant now = clock_.steady();
  const Admission network = activecampaign::admit(network_, now);
  if (!network.admitted) {
    return Error{Code::kUnavailable, "ActiveCampaign does not answer", network.wait};
  }
  const Admission account = activecampaign::admit(account_, now);
  if (!account.admitted) {
    return Error{Code::kDenied, "ActiveCampaign refuses the API key", account.wait};
  }
  network_ = network.after;
  account_ = account.after;
  return Pass(*this, network.probe, account.probe);
}

void Breaker::report(const Pass& pass, End how) {
  const std::lock_guard lock(mutex_);
  const SteadyInstant now = clock_.steady();
  const bool wasOpen = network_.isOpen();
  const bool wasRefused = account_.isOpen();
  const bool answered = how == End::kAnswered || how == End::kDenied || how == End::kBusy;
  if (answered) {
    network_ = afterSuccess(network_);
  } else if (how == End::kFailed) {
    network_ = afterFailure(network_, pass.networkProbe_, now, kNetworkLimits);
  } else {
    network_ = afterNothing(network_, pass.networkProbe_);
  }
  if (how == End::kAnswered) {
    account_ = afterSuccess(account_);
  } else if (how == End::kDenied) {
    account_ = afterFailure(account_, pass.accountProbe_, now, kAccountLimits);
  } else {
    account_ = afterNothing(account_, pass.accountProbe_);
  }
  if (network_.isOpen() != wasOpen) {
    ops::logWarning(wasOpen ? "ac_answers_again" : "ac_does_not_answer");
  }
  if (account_.isOpen() != wasRefused) {
    ops::logWarning(wasRefused ? "ac_key_works_again" : "ac_key_refused");
  }
  publish();
}

void Breaker::publish() const {
  openGauge().set(network_.isOpen() ? 1 : 0);
  refusedGauge().set(account_.isOpen() ? 1 : 0);
}

AccountState Breaker::account() const {
  const std::lock_guard lock(mutex_);
  return account_.isOpen() ? AccountState::kRefused : AccountState::kWorking;
}

bool Breaker::open() const {
  const std::lock_guard lock(mutex_);
  return network_.isOpen();
}

}  // namespace mbr::activecampaign
