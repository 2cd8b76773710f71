#include "activecampaign/exchange.h"

#include <algorithm>

#include "activecampaign/replies.h"
#include "base/secret.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::activecampaign {
namespace {

// Silence shorter than this says more about the caller's patience than about ActiveCampaign.
constexpr std::chrono::seconds kTellingTime{1};

const char* statusClass(int status) {
  if (status == 429) return "429";
  if (status == 503) return "503";
  switch (status / 100) {
    case 2:
      return "2xx";
    case 4:
      return "4xx";
    case 5:
      return "5xx";
    default:
      return "other";
  }
}

void count(Lane lane, const char* status) {
  ops::counter("membergate_ac_requests_total",
               "Requests sent to ActiveCampaign, by how they ended.",
               {{"lane", std::string(toString(lane))}, {"status", status}})
      .add();
  if (std::string_view(status) != "429") return;
  ops::counter("membergate_ac_429_total", "Requests that ActiveCampaign found too many.").add();
}

const StopFlag& flagOf(const Call& call) {
  static const StopFlag kNever;
  return call.stop == nullptr ? kNever : *call.stop;
}

bool isDenial(const Reply& reply) {
  const bool denied = reply.status == 401 || reply.status == 402 || reply.status == 403;
  return denied && !saysCannotEnter(reply.body);
}

bool isBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

Error unanswered(int status) {
  return Error{Code::kUnavailable, "ActiveCampaign answers " + std::to_string(status)};
}

}  // namespace

Error refusal(const Reply& reply, const Request& request) {
  const std::string words = safeWords(errorWords(reply.body), request.ours);
  if (reply.status == 404) {
    return saysMissing(reply.body) ? Error{Code::kNotFound, words} : unanswered(404);
  }
  const bool conflict = reply.status == 409 || saysDuplicate(reply.body);
  return Error{conflict ? Code::kConflict : Code::kInvalid, words};
}

Result<Reply> Exchange::ask(const Call& call, const Request& request) {
  Result<Reply> reply = send(call, request);
  if (!reply || reply->success()) return reply;
  return refusal(*reply, request);
}

Result<Reply> Exchange::send(const Call& call, const Request& request) {
  Result<Reply> reply = attempt(call, request, false);
  if (!reply || !isDenial(*reply)) return reply;
  reply = attempt(call, request, true);  // good keys are refused now and then
  if (!reply || !isDenial(*reply)) return reply;
  ops::logWarning("ac_denied", {{"status", reply->status}, {"method", request.method}});
  return Error{Code::kDenied, "ActiveCampaign answers " + std::to_string(reply->status) + ": " +
                                  safeWords(errorWords(reply->body), request.ours)};
}

Result<Reply> Exchange::attempt(const Call& call, const Request& request, bool lastLook) {
  Result<Breaker::Pass> pass = breaker_.admit();
  if (!pass) return pass.error();
  std::optional<Permit> permit;
  std::optional<Error> noPermit;
  SteadyInstant permittedAt{};
  HttpCall http;
  http.method = request.method;
  http.path = request.path;
  http.query = request.query;
  http.body = request.body;
  http.repeatable = request.repeatable;
  http.deadline = call.deadline;
  http.takeToken = [&]() -> Result<Instant> {
    if (permit) tellBudget(nullptr, *permit);  // of a first try that nobody answered
    permit.reset();
    const Result<Permit> taken = budget_.acquire(call.lane, call.deadline, flagOf(call));
    if (!taken) {
      noPermit = taken.error();
      return taken.error();
    }
    permit = *taken;
    permittedAt = clock_.steady();
    return permit->sentAt;
  };

  Result<HttpAnswer> answer = transport_.send(http);
  wipe(http.body);
  if (permit) tellBudget(answer ? &*answer : nullptr, *permit);
  if (answer) {
    count(call.lane, statusClass(answer->status));
    // To read a page of contacts takes milliseconds.
    if (loginsFirst_ != nullptr && !isForPeople(call.lane)) loginsFirst_->giveWay();
    Result<Reply> reply = judge(*answer, request, lastLook, *pass);
    wipe(answer->body);
    return reply;
  }
  if (permit) count(call.lane, "none");
  if (noPermit) return *noPermit;
  if (answer.error().code == Code::kUnavailable) pass->end(Breaker::End::kFailed);
  if (answer.error().code != Code::kBusy) return answer.error();
  if (permit && clock_.steady() - permittedAt >= kTellingTime) pass->end(Breaker::End::kFailed);
  return Error{Code::kUnavailable, answer.error().detail};
}

void Exchange::tellBudget(const HttpAnswer* answer, const Permit& permit) {
  Outcome told = Done{};
  const bool tooMany = answer != nullptr && answer->status == 429;
  // Some accounts say 503 where they mean 429.
  const bool later = answer != nullptr && answer->status == 503 && !answer->retryAfter.empty();
  if (tooMany || later) {
    told = budget_.freeze(permit, readRetryAfter(answer->retryAfter, clock_.now()));
  } else {
    if (permit.probe) told = budget_.probeAnswered(permit);
    if (told && answer != nullptr && answer->rateLimit && answer->rateRemaining) {
      told = budget_.noteUsage(permit, *answer->rateLimit, *answer->rateRemaining);
    }
  }
  if (!told) ops::logError("ac_budget_not_told", {{"error", toString(told.error().code)}});
}

Result<Reply> Exchange::judge(const HttpAnswer& answer, const Request& request, bool lastLook,
                              Breaker::Pass& pass) {
  const int status = answer.status;
  const auto retryAfter = readRetryAfter(answer.retryAfter, clock_.now());
  if (status == 429) {
    pass.end(Breaker::End::kBusy);
    return Error{Code::kBusy, "ActiveCampaign answers 429",
                 std::clamp(retryAfter.value_or(kShortestFreeze), kShortestFreeze, kLongestFreeze)};
  }
  Reply reply{status, {}, answer.sentAt, readHttpDate(answer.date)};
  Result<json::Value> body = json::parse(answer.body);
  if (body) reply.body = std::move(*body);
  if (isDenial(reply)) {
    pass.end(lastLook ? Breaker::End::kDenied : Breaker::End::kBusy);
    return reply;
  }
  const bool readable = body || (reply.success() && request.emptyIsFine && isBlank(answer.body));
  if (status < 200 || status >= 500 || !readable) {
    pass.end(Breaker::End::kFailed);
    Error error = unanswered(status);
    if (!readable && status < 500) error.detail += " without readable JSON";
    error.retryAfter = retryAfter;
    return error;
  }
  pass.end(Breaker::End::kAnswered);
  return reply;
}

}  // namespace mbr::activecampaign
