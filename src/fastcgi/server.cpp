#include "fastcgi/server.h"

#include <fcgiapp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/thread_role.h"
#include "fastcgi/connection.h"
#include "fastcgi/descriptor.h"
#include "fastcgi/exchange.h"
#include "fastcgi/listener.h"
#include "fastcgi/request_metrics.h"
#include "http/problem.h"
#include "ops/log.h"

namespace mbr::fastcgi {
namespace {

using std::chrono::milliseconds;

constexpr int kEventsAtOnce = 8;
constexpr milliseconds kAcceptAgainAfter{100};
// Past the stop deadline, for sending the answers that it forced.
constexpr milliseconds kLastWords{1000};
constexpr milliseconds kLeavingPoll{5};

// libfcgi keeps global state, made once for the process.
Outcome initialiseLibrary() {
  static const int result = [] {
    // Its hidden waits; 2 s each if not set.
    setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "200", 0);
    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 0);
    return FCGX_Init();
  }();
  if (result != 0) return Error{Code::kUnavailable, "libfcgi could not be initialised"};
  return Done{};
}

void raiseDescriptorLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

http::Response brokenAnswer(const http::Request& request) {
  return http::problem(request, 400, "invalid_request", "The request did not arrive whole.");
}

http::Response fullAnswer(const http::Request& request) {
  return http::problem(request, 503, "busy", "Too many requests are being read: try again later.")
      .with("Retry-After", "1");
}

}  // namespace

class Server::Engine {
 public:
  Engine(Options options, const Clock& clock, Handler handler)
      : options_(std::move(options)),
        clock_(clock),
        handler_(std::move(handler)),
        desk_(std::make_shared<ReplyDesk>(options_.maxWaiting, options_.replyDeadline)) {}
  ~Engine() { stop(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Outcome start();
  void stopAccepting();
  void stop();

 private:
  void work();
  bool workOnce();
  void sendAnswered();

  void acceptAll();
  void adopt(Descriptor socket);
  void close(Connection& connection);

  void serve(Connection& connection);
  void handle(Connection& connection, http::Request& request, const Announced& announced);
  void callHandler(const http::Request& request, const http::Reply& reply) const;
  void refuse(Connection& connection, const http::Request& request, const http::Response& response,
              bool keep);
  void sendOwed(const Exchange& exchange);
  void settle(Connection& connection);

  const Options options_;
  const Clock& clock_;
  const Handler handler_;
  // Replies hold on to it and may outlive the server.
  const std::shared_ptr<ReplyDesk> desk_;
  RequestMetrics metrics_;
  Listener listener_;
  Descriptor epollFd_;
  std::vector<std::thread> workers_;  // owner's thread only

  std::mutex mutex_;
  std::condition_variable settled_;
  // Guarded by mutex_; what the connections do is up to whoever has them.
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;

  std::atomic<long> inFlight_{0};  // requests between their first byte and their answer
  std::atomic<std::size_t> bodyBytes_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> leaving_{false};
  SteadyInstant drainedAt_{};  // owner's thread only
  SteadyInstant leaveBy_{};    // written before leaving_
};

Outcome Server::Engine::start() {
  raiseDescriptorLimit();
  if (auto ready = initialiseLibrary(); !ready) return ready;
  if (auto open = listener_.open(options_.socketPath); !open) return open;
  epollFd_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wake{};
  wake.events = EPOLLIN | EPOLLET;
  wake.data.ptr = desk_.get();
  if (!epollFd_.isOpen() || epoll_ctl(epollFd_.get(), EPOLL_CTL_ADD, desk_->wakeFd(), &wake) != 0) {
    return Error{Code::kUnavailable, "no epoll: too many open files"};
  }
  listener_.watch(epollFd_.get(), &listener_);
  for (int i = 0; i < std::max(1, options_.threads); ++i) workers_.emplace_back([this] { work(); });
  return Done{};
}

void Server::Engine::stopAccepting() {
  if (stopping_.exchange(true)) return;
  drainedAt_ = std::chrono::steady_clock::now() + options_.drainWindow;
  // Whoever is in the backlog may have nobody else to serve him.
  listener_.retire(options_.socketTimeout, [this](Descriptor socket) { adopt(std::move(socket)); });
}

void Server::Engine::stop() {
  stopAccepting();
  if (!workers_.empty()) {
    const auto deadline = std::chrono::steady_clock::now() + options_.stopDeadline;
    desk_->endWaiting();
    std::unique_lock lock(mutex_);
    settled_.wait_until(lock, std::min(drainedAt_, deadline), [&] { return connections_.empty(); });
    settled_.wait_until(lock, deadline, [&] { return inFlight_ == 0; });
    lock.unlock();
    desk_->endAll();
    leaveBy_ = std::chrono::steady_clock::now() + kLastWords;
    leaving_ = true;
    desk_->wake();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    if (inFlight_ > 0) ops::logError("requests_given_up", {{"count", inFlight_.load()}});
  }
  desk_->close();
  const std::lock_guard lock(mutex_);
  metrics_.connectionsClosed(connections_.size());
  connections_.clear();
}

void Server::Engine::work() {
  declareFastWorker();
  for (bool more = true; more;) {
    try {
      more = workOnce();
    } catch (...) {
      ops::logError("fast_worker_failed");
    }
  }
  desk_->wake();  // the next worker leaves too
}

// False: leave.
bool Server::Engine::workOnce() {
  const bool leaving = leaving_;
  std::array<epoll_event, kEventsAtOnce> events;
  const int timeout = leaving ? static_cast<int>(kLeavingPoll.count()) : -1;
  const int count = epoll_wait(epollFd_.get(), events.data(), kEventsAtOnce, timeout);
  for (int i = 0; i < count; ++i) {
    void* const tag = events[static_cast<std::size_t>(i)].data.ptr;
    if (tag == desk_.get()) {
      sendAnswered();
    } else if (tag == &listener_) {
      acceptAll();
    } else {
      serve(*static_cast<Connection*>(tag));
    }
  }
  if (!leaving) return true;
  return (count > 0 || inFlight_ > 0) && std::chrono::steady_clock::now() < leaveBy_;
}

void Server::Engine::sendAnswered() {
  for (auto some = desk_->takeAnswered(); !some.empty(); some = desk_->takeAnswered()) {
    for (const auto& exchange : some) sendOwed(*exchange);
  }
}

void Server::Engine::acceptAll() {
  const auto take = [this](Descriptor socket) { adopt(std::move(socket)); };
  if (listener_.acceptAll(options_.socketTimeout, take)) return;
  desk_->timer().at(std::chrono::steady_clock::now() + kAcceptAgainAfter,
                    [this] { listener_.watch(epollFd_.get(), &listener_); });
}

void Server::Engine::adopt(Descriptor socket) {
  auto made = std::make_unique<Connection>(std::move(socket));
  Connection& connection = *made;
  {
    const std::lock_guard lock(mutex_);
    connections_.emplace(&connection, std::move(made));
  }
  metrics_.connectionOpened();
  if (!connection.arm(epollFd_.get(), true)) close(connection);
}

void Server::Engine::close(Connection& connection) {
  std::unique_ptr<Connection> closed;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto known = connections_.find(&connection);
  closed = std::move(known->second);
  connections_.erase(known);
  metrics_.connectionsClosed(1);
  if (connections_.empty() && stopping_) settled_.notify_all();
}

void Server::Engine::serve(Connection& connection) {
  connection.takeOver();
  ++inFlight_;
  http::Request request;
  request.arrived = clock_.steady();
  Announced announced;
  switch (connection.readHead(request, announced)) {
    case Connection::Head::kRequest:
      return handle(connection, request, announced);
    case Connection::Head::kBroken:
      return refuse(connection, request, brokenAnswer(request), false);
    case Connection::Head::kClosed:
      return settle(connection);
  }
}

void Server::Engine::handle(Connection& connection, http::Request& request,
                            const Announced& announced) {
  std::size_t reserved = announced.contentLength.value_or(0);
  if (reserved > options_.maxBodyBytes) reserved = 0;  // it is not kept
  if (bodyBytes_.fetch_add(reserved) + reserved > options_.maxBodiesInMemory) {
    bodyBytes_ -= reserved;
    connection.skipBody();
    return refuse(connection, request, fullAnswer(request), true);
  }
  connection.readBody(options_.maxBodyBytes, announced, request);
  const auto exchange = std::make_shared<Exchange>(
      desk_, Exchange::Owed{&connection, request.requestId, request.arrived, reserved,
                            request.method == "HEAD"});
  callHandler(request, Exchange::handle(exchange));
  if (desk_->handlerReturned(exchange)) sendOwed(*exchange);
}

void Server::Engine::callHandler(const http::Request& request, const http::Reply& reply) const {
  try {
    return handler_(request, reply);
  } catch (const std::exception& e) {
    // Its text may quote what must not be logged.
    ops::logError("handler_failed",
                  {{"request_id", request.requestId}, {"exception", typeid(e).name()}});
  } catch (...) {
    ops::logError("handler_failed", {{"request_id", request.requestId}});
  }
  reply.send(http::errorResponse(request.requestId, Error{Code::kInternal, {}}));
}

// Answers without the handler.
void Server::Engine::refuse(Connection& connection, const http::Request& request,
                            const http::Response& response, bool keep) {
  connection.send(response, request.method == "HEAD", keep && !stopping_);
  metrics_.answered(response.status, clock_.steady() - request.arrived);
  settle(connection);
}

void Server::Engine::sendOwed(const Exchange& exchange) {
  const Exchange::Owed& owed = exchange.owed();
  bodyBytes_ -= owed.bodyBytes;
  owed.connection->send(exchange.response(), owed.headOnly, !stopping_);
  metrics_.answered(exchange.response().status, clock_.steady() - owed.arrived);
  settle(*owed.connection);
}

// The request is over. Arming is the last touch of the connection.
void Server::Engine::settle(Connection& connection) {
  const bool kept = connection.isOpen() && connection.arm(epollFd_.get(), false);
  if (!kept) close(connection);
  if (inFlight_.fetch_sub(1) > 1 || !stopping_) return;
  const std::lock_guard lock(mutex_);
  settled_.notify_all();
}

Server::Server(Options options, const Clock& clock, Handler handler)
    : engine_(std::make_unique<Engine>(std::move(options), clock, std::move(handler))) {}

Server::~Server() = default;

Outcome Server::start() { return engine_->start(); }

void Server::stopAccepting() { engine_->stopAccepting(); }

void Server::stop() { engine_->stop(); }

}  // namespace mbr::fastcgi
