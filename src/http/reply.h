// The one answer that a request is owed, to be given by any thread.
#pragma once

#include <memory>
#include <utility>

#include "base/clock.h"
#include "http/response.h"

namespace mbr::http {

// The seam to whoever carries the answer to the client (fastcgi::Server, or a test).
// Thread-safe. The first completion wins; later ones are ignored and counted. Destroyed without
// one it answers 500 and logs a bug.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void complete(Response response) = 0;
  virtual void completeAt(SteadyInstant when, Response response) = 0;
  virtual bool expireAt(SteadyInstant when, Response fallback) = 0;
};

// A handle; copies stand for the same answer. Completing never blocks and never touches the
// network: a fast worker sends it. If the client went away it is a no-op.
class Reply {
 public:
  explicit Reply(std::shared_ptr<ReplySink> sink) : sink_(std::move(sink)) {}

  void send(Response response) const { sink_->complete(std::move(response)); }

  // Sends at `when`, at once if that has passed. A later send() of another answer is ignored.
  void sendAt(SteadyInstant when, Response response) const {
    sink_->completeAt(when, std::move(response));
  }

  // Says what to answer if nobody has by `when`; replaces the server's own deadline. The reply
  // then counts as waiting. False, and nothing changes, if `server.waiting` replies wait already:
  // the caller answers at once.
  [[nodiscard]] bool expireAt(SteadyInstant when, Response fallback) const {
    return sink_->expireAt(when, std::move(fallback));
  }

 private:
  std::shared_ptr<ReplySink> sink_;
};

}  // namespace mbr::http
