// FastCGI over libfcgi: accepts connections, reads requests, calls the handler, sends answers.
//
// Stock libfcgi pins a thread to a kept connection and a waiting request, so the acceptor is our
// own (reference: nginx keepalive needs it): N fast workers share one epoll over the listening
// socket, all kept connections and a wake-up descriptor. They never wait for anything but the
// socket, whose time-outs bound what a stuck peer can hold. An answer may be completed by any
// thread; it is queued for a fast worker, which alone touches libfcgi.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/reply.h"
#include "http/request.h"

namespace mbr::fastcgi {

struct Options {
  // Path of a unix socket to bind (mode 0660), or empty for the listening unix
  // socket on fd 0, as spawn-fcgi and systemd give it.
  std::string socketPath;
  int threads = 2;                                   // fast workers, >= 1
  std::size_t maxBodyBytes = 256 * 1024;             // longer bodies are read away, not kept
  std::size_t maxBodiesInMemory = 32 * 1024 * 1024;  // of requests not yet answered; beyond it 503
  std::size_t maxWaiting = 1024;                     // replies that wait (http::Reply::expireAt)
  std::chrono::milliseconds replyDeadline{8000};     // 503 for replies without a deadline of theirs
  std::chrono::milliseconds socketTimeout{5000};     // a peer that neither reads nor writes
  std::chrono::milliseconds drainWindow{500};        // accepted connections still served at stop
  std::chrono::milliseconds stopDeadline{20000};     // for requests in flight at stop
};

using Handler = std::function<void(const http::Request&, http::Reply)>;

// start() and stop() are called by the thread that owns the server.
class Server {
 public:
  // `clock` must outlive the server; its steady time must be the machine's, which deadlines use.
  Server(Options options, const Clock& clock, Handler handler);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Errors: kUnavailable if there is no listening socket; the detail says what to do.
  Outcome start();

  // First half of stopping: no new connections beyond the drain window, kept idle ones are closed.
  // The listening socket is never shut down, only our copy of it is closed, so that a successor
  // goes on serving it.
  void stopAccepting();

  // Waits until the requests in flight are answered (those that wait get their fallback at once),
  // at most stopDeadline, then joins the workers. Safe to repeat.
  void stop();

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace mbr::fastcgi
