#include "logins/logins.h"

#include <chrono>
#include <memory>
#include <utility>

#include "ops/log.h"

namespace mbr::logins {
namespace {

using members::LoginResult;

constexpr const char* kWords[kVerdicts] = {"admitted",  "wrong", "not_entitled",
                                           "throttled", "busy",  "unavailable"};

}  // namespace

// What is needed to answer once the password has been checked.
struct Logins::Open {
  Attempt attempt;
  access::ThrottleTicket ticket = 0;
  DoneFn done;
};

Logins::Logins(access::Throttle& throttle, access::Sessions& sessions,
               members::LoginVerifier& verifier, const Clock& clock, SaveSession saveSession,
               Options options)
    : throttle_(throttle),
      sessions_(sessions),
      verifier_(verifier),
      clock_(clock),
      saveSession_(std::move(saveSession)),
      options_(options),
      seconds_(ops::durationHistogram("membergate_login_seconds",
                                      "From a login's arrival to its decision")) {
  for (std::size_t i = 0; i < kVerdicts; ++i) {
    verdicts_[i] = &ops::counter("membergate_logins_total", "Logins by what became of them",
                                 {{"result", kWords[i]}});
  }
}

void Logins::attempt(Attempt attempt, DoneFn done) {
  const auto email = Email::parse(attempt.user);
  const auto admission = throttle_.admit(email ? email->text() : attempt.user, attempt.address);
  const Secret password = std::move(attempt.password);
  const auto open =
      std::make_shared<const Open>(Open{std::move(attempt), admission.ticket, std::move(done)});
  if (!admission.allowed) {
    Answer throttled;
    throttled.verdict = Verdict::kThrottled;
    throttled.retryAfter = admission.retryAfter;
    return answer(open, std::move(throttled));
  }
  if (!email) return refuse(open);
  verifier_.verify(*email, password, admission.knownPair,
                   [this, open](const Result<LoginResult>& verified) { conclude(open, verified); });
}

void Logins::conclude(const OpenPtr& open, const Result<LoginResult>& verified) {
  if (!verified) {
    throttle_.released(open->ticket);
    const bool busy = verified.error().code == Code::kBusy;
    return fail(open, busy ? Verdict::kBusy : Verdict::kUnavailable, verified.error());
  }
  if (verified->status == LoginResult::Status::kWrong) return refuse(open);
  throttle_.succeeded(open->ticket);
  const auto& condition = open->attempt.condition;
  const bool entitled = verified->status == LoginResult::Status::kAdmitted &&
                        (!condition || condition(verified->contact->contact));
  if (entitled && open->attempt.wantsSession) return admit(open, *verified);
  Answer decided;
  decided.verdict = entitled ? Verdict::kAdmitted : Verdict::kNotEntitled;
  decided.login = *verified;
  answer(open, std::move(decided));
}

void Logins::admit(const OpenPtr& open, const LoginResult& login) {
  const auto session = std::make_shared<const access::Sessions::Prepared>(
      sessions_.prepare(login.contact->contact.id, "password"));
  const auto onSaved = [this, open, login, session](const Outcome& saved) {
    if (!saved && saved.error().code == Code::kConflict) return refuse(open);
    if (!saved) return fail(open, Verdict::kUnavailable, saved.error());
    const auto inForce = sessions_.inForce(session->record, clock_.now());
    if (!inForce) {
      return fail(open, Verdict::kUnavailable, {Code::kUnavailable, "the session is over"});
    }
    Answer admitted;
    admitted.verdict = Verdict::kAdmitted;
    admitted.login = login;
    admitted.session = StartedSession{session->token, inForce->expiresAt};
    answer(open, std::move(admitted));
  };
  saveSession_(session->record, login.credentialChangedAt, onSaved);
}

void Logins::refuse(const OpenPtr& open) {
  throttle_.failed(open->ticket);
  Answer wrong;
  wrong.verdict = Verdict::kWrong;
  answer(open, std::move(wrong));
}

void Logins::fail(const OpenPtr& open, Verdict verdict, const Error& error) {
  Answer failed;
  failed.verdict = verdict;
  failed.error = error;
  answer(open, std::move(failed));
}

void Logins::answer(const OpenPtr& open, Answer answer) {
  const auto verdict = static_cast<std::size_t>(answer.verdict);
  const Attempt& attempt = open->attempt;
  const std::chrono::duration<double> taken = clock_.steady() - attempt.arrived;
  verdicts_[verdict]->add();
  seconds_.observe(taken.count());
  if (attempt.route.empty()) {
    ops::logInfo("login", {{"result", kWords[verdict]}, {"request_id", attempt.requestId}});
  } else {
    ops::logInfo(
        "login",
        {{"route", attempt.route}, {"result", kWords[verdict]}, {"request_id", attempt.requestId}});
  }
  answer.notBefore = attempt.arrived + options_.failureTime;
  open->done(answer);
}

}  // namespace mbr::logins
