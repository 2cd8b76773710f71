#include "fastcgi/exchange.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "http/problem.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::fastcgi {
namespace {

// A worker takes this many answers at a time, so that another can take part.
constexpr std::size_t kAnswersAtOnce = 16;

Descriptor makeWakeFd() {
  Descriptor fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.isOpen()) throw std::runtime_error("no eventfd: too many open files");
  return fd;
}

http::Response lateAnswer(const std::string& requestId) {
  return http::problemFor(requestId, 503, "unavailable",
                          "The service took too long: try again later.")
      .with("Retry-After", "1");
}

http::Response droppedAnswer(const std::string& requestId) {
  return http::problemFor(requestId, 500, "internal",
                          "The service made a mistake; its log knows this request's id.");
}

ops::Counter& ignoredReplies() {
  static ops::Counter& counter = ops::counter("membergate_replies_ignored_total",
                                              "Answers given to a request that had one already.");
  return counter;
}

}  // namespace

http::Reply Exchange::handle(std::shared_ptr<Exchange> exchange) {
  http::ReplySink* const sink = exchange.get();
  return http::Reply(std::shared_ptr<http::ReplySink>(
      sink,
      [exchange = std::move(exchange)](http::ReplySink*) { exchange->desk_->drop(*exchange); }));
}

void Exchange::complete(http::Response response) { desk_->complete(*this, std::move(response)); }

void Exchange::completeAt(SteadyInstant when, http::Response response) {
  desk_->completeAt(*this, when, std::move(response));
}

bool Exchange::expireAt(SteadyInstant when, http::Response fallback) {
  return desk_->expireAt(*this, when, std::move(fallback));
}

ReplyDesk::ReplyDesk(std::size_t maxWaiting, std::chrono::milliseconds replyDeadline)
    : maxWaiting_(maxWaiting), replyDeadline_(replyDeadline), wakeFd_(makeWakeFd()) {
  ignoredReplies();
}

void ReplyDesk::wake() const {
  const std::uint64_t one = 1;
  while (::write(wakeFd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool ReplyDesk::handlerReturned(const std::shared_ptr<Exchange>& exchange) {
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    const bool waits = exchange->state_ == Exchange::State::kWaiting;
    if (phase_ == Phase::kEnding || (phase_ == Phase::kNoWaiting && waits)) {
      answerLate(*exchange, aftermath);
    }
    if (exchange->state_ != Exchange::State::kAnswered) {
      exchange->list_ = exchange->state_ == Exchange::State::kOpen ? &open_ : &timed_;
      exchange->place_ = exchange->list_->insert(exchange->list_->end(), exchange);
      planSweep();
      return false;
    }
  }
  finish(aftermath);
  return true;
}

std::list<std::shared_ptr<Exchange>> ReplyDesk::takeAnswered() {
  List taken;
  bool someLeft = false;
  {
    const std::lock_guard lock(mutex_);
    auto end = answered_.begin();
    for (std::size_t i = 0; i < kAnswersAtOnce && end != answered_.end(); ++i) ++end;
    taken.splice(taken.end(), answered_, answered_.begin(), end);
    someLeft = !answered_.empty();
  }
  if (someLeft) wake();
  return taken;
}

void ReplyDesk::complete(Exchange& exchange, http::Response&& response) {
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    if (isSettled(exchange)) {
      aftermath.ignored = true;
    } else {
      exchange.response_ = std::move(response);
      answer(exchange, aftermath);
    }
  }
  finish(aftermath);
}

void ReplyDesk::completeAt(Exchange& exchange, SteadyInstant when, http::Response&& response) {
  if (when <= std::chrono::steady_clock::now()) return complete(exchange, std::move(response));
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    if (isSettled(exchange)) {
      aftermath.ignored = true;
    } else {
      if (exchange.state_ == Exchange::State::kWaiting) --waiting_;
      exchange.state_ = Exchange::State::kScheduled;
      exchange.response_ = std::move(response);
      schedule(exchange, when, aftermath);
    }
  }
  finish(aftermath);
}

bool ReplyDesk::expireAt(Exchange& exchange, SteadyInstant when, http::Response&& fallback) {
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    if (isSettled(exchange)) return true;
    if (phase_ != Phase::kServing) return false;
    if (exchange.state_ == Exchange::State::kOpen) {
      if (waiting_ >= maxWaiting_) return false;
      ++waiting_;
      exchange.state_ = Exchange::State::kWaiting;
    }
    exchange.response_ = std::move(fallback);
    schedule(exchange, when, aftermath);
  }
  finish(aftermath);
  return true;
}

void ReplyDesk::drop(Exchange& exchange) {
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    if (isSettled(exchange)) return;
    exchange.response_ = droppedAnswer(exchange.owed_.requestId);
    answer(exchange, aftermath);
  }
  finish(aftermath);
  ops::logError("reply_dropped", {{"request_id", exchange.owed_.requestId}});
}

void ReplyDesk::fire(Exchange& exchange, unsigned round) {
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    if (exchange.round_ != round || exchange.state_ == Exchange::State::kAnswered) return;
    exchange.task_ = 0;
    answer(exchange, aftermath);
  }
  finish(aftermath);
}

void ReplyDesk::sweep() {
  const auto now = std::chrono::steady_clock::now();
  Aftermath aftermath;
  {
    const std::lock_guard lock(mutex_);
    sweepPlanned_ = false;
    while (!open_.empty() && deadlineOf(*open_.front()) <= now) {
      answerLate(*open_.front(), aftermath);
    }
    planSweep();
  }
  finish(aftermath);
}

void ReplyDesk::endWaiting() {
  std::vector<Aftermath> all;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kNoWaiting;
    for (auto next = timed_.begin(); next != timed_.end();) {
      Exchange& exchange = **next++;
      if (exchange.state_ == Exchange::State::kWaiting) answer(exchange, all.emplace_back());
    }
  }
  for (const Aftermath& aftermath : all) finish(aftermath);
}

void ReplyDesk::endAll() {
  std::vector<Aftermath> all;
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::kEnding;
    for (List* list : {&open_, &timed_}) {
      while (!list->empty()) answerLate(*list->front(), all.emplace_back());
    }
  }
  for (const Aftermath& aftermath : all) finish(aftermath);
}

void ReplyDesk::close() {
  timer_.stop();
  List dropped;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  for (List* list : {&open_, &timed_, &answered_}) {
    for (const auto& exchange : *list) exchange->state_ = Exchange::State::kAnswered;
    dropped.splice(dropped.end(), *list);
  }
}

// Completing such an exchange changes nothing.
bool ReplyDesk::isSettled(const Exchange& exchange) {
  return exchange.state_ == Exchange::State::kAnswered ||
         exchange.state_ == Exchange::State::kScheduled;
}

void ReplyDesk::answer(Exchange& exchange, Aftermath& aftermath) {
  if (exchange.state_ == Exchange::State::kWaiting) --waiting_;
  exchange.state_ = Exchange::State::kAnswered;
  aftermath.cancel = std::exchange(exchange.task_, 0);
  if (exchange.list_ == nullptr) return;  // the worker that runs the handler sends it
  aftermath.wake = aftermath.wake || answered_.empty();
  answered_.splice(answered_.end(), *exchange.list_, exchange.place_);
}

// Nobody answered in time: what was said for that case, or 503.
void ReplyDesk::answerLate(Exchange& exchange, Aftermath& aftermath) {
  if (exchange.state_ == Exchange::State::kAnswered) return;
  if (exchange.state_ == Exchange::State::kOpen) {
    exchange.response_ = lateAnswer(exchange.owed_.requestId);
  }
  answer(exchange, aftermath);
}

void ReplyDesk::schedule(Exchange& exchange, SteadyInstant when, Aftermath& aftermath) {
  aftermath.cancel = exchange.task_;
  const unsigned round = ++exchange.round_;
  exchange.task_ = timer_.at(when, [this, weak = exchange.weak_from_this(), round] {
    if (const auto alive = weak.lock()) fire(*alive, round);
  });
  if (exchange.list_ == nullptr) return;
  timed_.splice(timed_.end(), *exchange.list_, exchange.place_);
  exchange.list_ = &timed_;
}

void ReplyDesk::planSweep() {
  if (sweepPlanned_ || open_.empty()) return;
  sweepPlanned_ = timer_.at(deadlineOf(*open_.front()), [this] { sweep(); }) != 0;
}

SteadyInstant ReplyDesk::deadlineOf(const Exchange& exchange) const {
  return exchange.owed_.arrived + replyDeadline_;
}

void ReplyDesk::finish(const Aftermath& aftermath) {
  if (aftermath.ignored) ignoredReplies().add();
  if (aftermath.cancel != 0) timer_.cancel(aftermath.cancel);
  if (aftermath.wake) wake();
}

}  // namespace mbr::fastcgi
