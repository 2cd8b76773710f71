#include "support/scripted_transport.h"

#include <utility>

namespace mbr::test {

using activecampaign::HttpAnswer;
using activecampaign::HttpCall;

ScriptedTransport& ScriptedTransport::answer(int status, std::string body, std::string retryAfter) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.retryAfter = std::move(retryAfter);
  if (usage_) {
    answer.rateLimit = usage_->first;
    answer.rateRemaining = usage_->second;
    usage_.reset();
  }
  script_.push_back({std::move(answer), std::exchange(next_, nullptr)});
  return *this;
}

ScriptedTransport& ScriptedTransport::fail(Code code, std::string detail) {
  script_.push_back({Error{code, std::move(detail)}, std::exchange(next_, nullptr)});
  return *this;
}

ScriptedTransport& ScriptedTransport::meanwhile(std::function<void()> happens) {
  next_ = std::move(happens);
  return *this;
}

ScriptedTransport& ScriptedTransport::usage(int limit, int remaining) {
  usage_ = {limit, remaining};
  return *this;
}

Result<HttpAnswer> ScriptedTransport::send(const HttpCall& call) {
  const auto token = call.takeToken();
  if (!token) return token.error();
  Sent sent{call.method + " " + call.path, call.body, call.repeatable};
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    sent.line += separator + name + "=" + value;
    separator = '&';
  }
  sent_.push_back(std::move(sent));
  if (script_.empty()) return Error{Code::kInternal, "the script has no answer left"};
  Line line = std::move(script_.front());
  script_.pop_front();
  if (line.happens) line.happens();
  if (line.result) line.result->sentAt = *token;
  return line.result;
}

std::string ScriptedTransport::lines() const {
  std::string all;
  for (const Sent& sent : sent_) all += sent.line + "\n";
  return all;
}

}  // namespace mbr::test
