// Requests that owe an answer, their deadlines, and answers on the way to a fast worker.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fastcgi/descriptor.h"
#include "http/reply.h"
#include "http/response.h"
#include "ops/timer.h"

namespace mbr::fastcgi {

class Connection;
class ReplyDesk;

// One request from its arrival until its answer is sent.
//
// Thread-safe as a ReplySink. Everything else belongs to the fast worker that has it: the one that
// runs the handler, then the one that takes the answer from the desk.
class Exchange final : public http::ReplySink, public std::enable_shared_from_this<Exchange> {
 public:
  // What a fast worker needs to send the answer.
  struct Owed {
    Connection* connection = nullptr;
    std::string requestId;
    SteadyInstant arrived{};
    std::size_t bodyBytes = 0;  // reserved until the answer is sent
    bool headOnly = false;
  };

  // The desk is shared because a Reply may outlive the server; it is then a no-op.
  Exchange(std::shared_ptr<ReplyDesk> desk, Owed owed)
      : owed_(std::move(owed)), desk_(std::move(desk)) {}

  // A handle that answers 500 when its last copy goes and nobody has answered.
  static http::Reply handle(std::shared_ptr<Exchange> exchange);

  void complete(http::Response response) override;
  void completeAt(SteadyInstant when, http::Response response) override;
  bool expireAt(SteadyInstant when, http::Response fallback) override;

  const Owed& owed() const { return owed_; }
  // Once answered.
  const http::Response& response() const { return response_; }

 private:
  friend class ReplyDesk;
  enum class State {
    kOpen,       // nobody has answered; the server's deadline counts
    kWaiting,    // likewise, but with a deadline and a fallback (in response_) of its own
    kScheduled,  // response_ is the answer, at its time
    kAnswered,   // response_ is the answer
  };

  const Owed owed_;
  const std::shared_ptr<ReplyDesk> desk_;
  // What follows is guarded by the desk's mutex, response_ only until it is answered.
  State state_ = State::kOpen;
  http::Response response_;
  std::list<std::shared_ptr<Exchange>>* list_ = nullptr;  // null while the handler runs
  std::list<std::shared_ptr<Exchange>>::iterator place_;  // in *list_
  ops::Timer::TaskId task_ = 0;
  unsigned round_ = 0;  // tells a task that was replaced from its successor
};

// Keeps the exchanges whose handler returned without an answer. An exchange is in one list at a
// time and moves between them without allocation.
//
// Thread-safe.
class ReplyDesk {
 public:
  ReplyDesk(std::size_t maxWaiting, std::chrono::milliseconds replyDeadline);

  // Readable (edge-triggered) when answers were queued; one write wakes one worker.
  int wakeFd() const { return wakeFd_.get(); }
  void wake() const;

  // After the handler. True: there is an answer, the calling worker sends it now. False: the desk
  // has the exchange and will queue it.
  bool handlerReturned(const std::shared_ptr<Exchange>& exchange);

  // Takes a few of the queued answers; wakes another worker if that leaves some.
  std::list<std::shared_ptr<Exchange>> takeAnswered();

  // Answers every waiting reply with its fallback, and lets none wait from now on.
  void endWaiting();
  // Answers every reply that still owes one, now and from now on: its own fallback, or 503.
  void endAll();
  // The one timer thread of the server.
  ops::Timer& timer() { return timer_; }

  // Drops what is left; the last call, after the workers. Completions are then no-ops.
  void close();

 private:
  friend class Exchange;
  using List = std::list<std::shared_ptr<Exchange>>;
  enum class Phase { kServing, kNoWaiting, kEnding };
  // Does what must happen outside the lock.
  struct Aftermath {
    ops::Timer::TaskId cancel = 0;
    bool wake = false;
    bool ignored = false;
  };

  void complete(Exchange& exchange, http::Response&& response);
  void completeAt(Exchange& exchange, SteadyInstant when, http::Response&& response);
  bool expireAt(Exchange& exchange, SteadyInstant when, http::Response&& fallback);
  void drop(Exchange& exchange);
  void fire(Exchange& exchange, unsigned round);
  void sweep();

  // The caller holds mutex_.
  static bool isSettled(const Exchange& exchange);
  void answer(Exchange& exchange, Aftermath& aftermath);
  void answerLate(Exchange& exchange, Aftermath& aftermath);
  void schedule(Exchange& exchange, SteadyInstant when, Aftermath& aftermath);
  void planSweep();
  SteadyInstant deadlineOf(const Exchange& exchange) const;

  void finish(const Aftermath& aftermath);

  const std::size_t maxWaiting_;
  const std::chrono::milliseconds replyDeadline_;
  const Descriptor wakeFd_;
  ops::Timer timer_;

  std::mutex mutex_;
  List open_;                      // guarded by mutex_; kOpen, in the order of their deadlines
  List timed_;                     // guarded by mutex_; kWaiting and kScheduled
  List answered_;                  // guarded by mutex_; for a fast worker
  std::size_t waiting_ = 0;        // guarded by mutex_
  bool sweepPlanned_ = false;      // guarded by mutex_
  Phase phase_ = Phase::kServing;  // guarded by mutex_
};

}  // namespace mbr::fastcgi
