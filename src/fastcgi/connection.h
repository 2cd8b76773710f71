// One connection from nginx: libfcgi's request, and how it is read and answered.
#pragma once

#include <fcgiapp.h>

#include <atomic>
#include <cstddef>

#include "fastcgi/descriptor.h"
#include "fastcgi/params.h"
#include "http/request.h"
#include "http/response.h"

namespace mbr::fastcgi {

// One thread at a time: whoever epoll woke for it, then whoever answers. Reading and writing block
// no longer than the socket's time-outs.
class Connection {
 public:
  explicit Connection(Descriptor socket);
  ~Connection();  // closes it
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Head {
    kRequest,  // `request` is filled; the body is next
    kBroken,   // a request, but not to be trusted: answer 400
    kClosed,   // no request, and the connection is gone
  };
  // What is no request by FastCGI's rules ends the connection without an answer.
  Head readHead(http::Request& request, Announced& announced);

  // Reads the body into `request` and sets its state. Always reads to the end, of which more than
  // `maxBytes` is not kept: nginx takes an answer to a half-read request for an error. A body that
  // does not end for long costs the connection.
  void readBody(std::size_t maxBytes, const Announced& announced, http::Request& request);

  // Reads the body away.
  void skipBody();

  // Sends the answer and ends the request. Without `keep`, after an error or if nginx does not keep
  // it, the connection is closed.
  void send(const http::Response& response, bool headOnly, bool keep);

  bool isOpen() const { return request_.ipcFd >= 0; }

  // Gives the connection to epoll, which may give it to another thread at once: it must not be
  // touched afterwards. False if epoll has no room; the caller then still has it.
  bool arm(int epollFd, bool isNew);
  // The counterpart, called first by the thread that epoll woke.
  void takeOver() { handedOver_.load(std::memory_order_acquire); }

 private:
  bool headIsSound() const;

  FCGX_Request request_{};
  // epoll orders nothing by the language's rules; this does.
  std::atomic<bool> handedOver_{false};
};

}  // namespace mbr::fastcgi
