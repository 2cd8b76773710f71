#include "activecampaign/poco_transport.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "activecampaign/cutter.h"
#include "base/encoding.h"
#include "ops/metrics.h"
#include "ops/timer.h"

namespace mbr::activecampaign {

struct PocoNetwork::Shared {
  Options options;
  Poco::Net::Context::Ptr tls;  // null for plain http
  ops::Timer timer;
};

namespace {

using Poco::Net::HTTPClientSession;
using Poco::Net::HTTPMessage;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using Poco::Net::IPAddress;
using Poco::Net::StreamSocket;

// Shorter than what servers keep an idle connection for, so that a close seldom crosses a request.
constexpr std::chrono::seconds kIdleLife{4};

SteadyInstant steadyNow() { return std::chrono::steady_clock::now(); }

Poco::Timespan remaining(SteadyInstant until) {
  const auto left = std::chrono::ceil<std::chrono::microseconds>(until - steadyNow()).count();
  return Poco::Timespan(std::max<Poco::Timespan::TimeDiff>(1000, left));
}

ops::Counter& bytes(const char* direction) {
  return ops::counter("membergate_ac_bytes_total", "Bytes of bodies exchanged with ActiveCampaign.",
                      {{"direction", direction}});
}

// `kind` is one of a handful of words.
Error failure(const char* kind, std::string detail) {
  ops::counter("membergate_ac_transport_errors_total", "Calls to ActiveCampaign without an answer.",
               {{"kind", kind}})
      .add();
  return Error{Code::kUnavailable, std::string(kind) + ": " + std::move(detail)};
}

// When an exchange is over, and whose patience that is.
struct Limit {
  SteadyInstant at{};
  bool callers = false;

  Limit(SteadyInstant deadline, Milliseconds timeout) {
    const SteadyInstant own = steadyNow() + timeout;
    callers = deadline < own;
    at = callers ? deadline : own;
  }
  Error passed() const {
    if (callers) return Error{Code::kBusy, "the deadline of the call passed"};
    return failure("timeout", "no answer in time");
  }
};

// Poco's session on a connection that was opened for it. Never connects by itself: that would send
// a request at another moment than the one its token was taken for.
class Session final : public HTTPClientSession {
 public:
  explicit Session(const StreamSocket& socket) : HTTPClientSession(socket) { setKeepAlive(true); }

 protected:
  bool mustReconnect() const override { return false; }
  int write(const char* buffer, std::streamsize length) override {
    // The parent would reconnect.
    return HTTPSession::write(buffer, length);  // NOLINT(bugprone-parent-virtual-call)
  }
};

bool isPathText(const std::string& path) {
  return !path.empty() && std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-';
  });
}

std::string targetOf(const HttpCall& call) {
  std::string target = "/api/3/" + call.path;
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    target += separator + percentEncode(name) + '=' + percentEncode(value);
    separator = '&';
  }
  return target;
}

// "5"; of "5, 5;w=1", as drafts of the standard had it, the first number.
std::optional<int> leadingNumber(const std::string& header) {
  const char* const end = header.data() + header.size();
  const char* at = header.data();
  while (at != end && *at == ' ') ++at;
  int number = 0;
  const auto [stop, error] = std::from_chars(at, end, number);
  const bool ends = stop == end || *stop == ',' || *stop == ';' || *stop == ' ';
  if (error != std::errc{} || !ends || number < 0) return std::nullopt;
  return number;
}

bool isVisibleAscii(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

class PocoTransport final : public Transport {
 public:
  explicit PocoTransport(PocoNetwork::Shared& shared) : shared_(shared) {}

  Result<HttpAnswer> send(const HttpCall& call) override;

 private:
  // One request written; `answered` tells whether anything came back.
  struct Try {
    Result<HttpAnswer> result;
    bool answered = false;
  };

  Outcome open(SteadyInstant deadline);
  std::optional<StreamSocket> connect(const Limit& limit, Error& why);
  bool isStale();
  Try exchange(const HttpCall& call, Instant sentAt);
  HTTPRequest requestOf(const HttpCall& call) const;
  Result<HttpAnswer> readAnswer(HTTPResponse& response, std::istream& in);
  Outcome readBody(const HTTPResponse& response, std::istream& in, std::string& body);

  PocoNetwork::Shared& shared_;
  std::unique_ptr<Session> session_;  // null = no connection
  SteadyInstant idleSince_{};
};

Result<HttpAnswer> PocoTransport::send(const HttpCall& call) {
  if (!isPathText(call.path) || !isPathText(call.method)) {
    return Error{Code::kInvalid, "malformed call"};
  }
  for (bool second = false;; second = true) {
    if (session_ && (isStale() || steadyNow() - idleSince_ > kIdleLife)) session_.reset();
    const bool kept = session_ != nullptr;
    if (!kept) {
      if (const Outcome opened = open(call.deadline); !opened) return opened.error();
    }
    const Result<Instant> token = call.takeToken();
    if (!token) {
      idleSince_ = steadyNow();
      return token.error();
    }
    // Waiting for the token may have outlasted the other side's patience. Nothing was written yet.
    if (kept && !second && isStale()) continue;
    Try tried = exchange(call, *token);
    if (tried.result) return tried.result;
    session_.reset();
    const bool again = kept && !second && call.repeatable && !tried.answered &&
                       tried.result.error().code == Code::kUnavailable;
    if (!again) return tried.result;
  }
}

// Between two calls nothing is due: what can be read is the end of the connection, or junk.
bool PocoTransport::isStale() {
  try {
    return session_->socket().poll(
        Poco::Timespan(0), Poco::Net::Socket::SELECT_READ | Poco::Net::Socket::SELECT_ERROR);
  } catch (const Poco::Exception&) {
    return true;
  }
}

Outcome PocoTransport::open(SteadyInstant deadline) {
  const Limit limit(deadline, shared_.options.timeout);
  if (limit.at <= steadyNow()) return limit.passed();
  Error why{Code::kUnavailable, "connect: the name has no usable address"};
  std::optional<StreamSocket> socket = connect(limit, why);
  if (!socket) return why;
  if (!shared_.tls) {
    session_ = std::make_unique<Session>(*socket);
    return Done{};
  }
  const Cutter cutter(shared_.timer, socket->impl()->sockfd(), limit.at);
  try {
    session_ = std::make_unique<Session>(
        Poco::Net::SecureStreamSocket::attach(*socket, shared_.options.url.host, shared_.tls));
    return Done{};
  } catch (const Poco::Exception& e) {
    if (cutter.hasCut()) return limit.passed();
    return failure("tls", e.displayText());
  }
}

std::optional<StreamSocket> PocoTransport::connect(const Limit& limit, Error& why) try {
  const BaseUrl& url = shared_.options.url;
  IPAddress literal;
  std::vector<IPAddress> addresses;
  if (IPAddress::tryParse(url.host, literal)) {
    addresses.push_back(literal);
  } else {
    addresses = Poco::Net::DNS::hostByName(url.host).addresses();
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // A name of this machine may yet be made to point elsewhere.
    if (!url.tls && !addresses[i].isLoopback()) continue;
    if (limit.at <= steadyNow()) {
      why = limit.passed();
      return std::nullopt;
    }
    try {
      StreamSocket socket(addresses[i].family());
      const Poco::Timespan share(remaining(limit.at).totalMicroseconds() /
                                 static_cast<Poco::Timespan::TimeDiff>(addresses.size() - i));
      socket.connect(Poco::Net::SocketAddress(addresses[i], url.port), share);
      socket.setNoDelay(true);
      socket.setReceiveTimeout(remaining(limit.at));
      socket.setSendTimeout(remaining(limit.at));
      return socket;
    } catch (const Poco::TimeoutException&) {
      why = limit.at <= steadyNow() ? limit.passed() : failure("connect", "timed out");
    } catch (const Poco::Exception& e) {
      why = failure("connect", e.displayText());
    }
  }
  return std::nullopt;
} catch (const Poco::Exception& e) {
  why = failure("connect", e.displayText());
  return std::nullopt;
}

HTTPRequest PocoTransport::requestOf(const HttpCall& call) const {
  HTTPRequest request(call.method, targetOf(call), HTTPMessage::HTTP_1_1);
  request.setHost(shared_.options.url.authority());
  request.set("Api-Token", shared_.options.key.reveal());
  request.set("User-Agent", "membergate/" MBR_VERSION);
  request.set("Accept", "application/json");
  request.setKeepAlive(true);
  if (!call.body.empty()) request.setContentType("application/json");
  if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
    request.setContentLength64(static_cast<Poco::Int64>(call.body.size()));
  }
  return request;
}

PocoTransport::Try PocoTransport::exchange(const HttpCall& call, Instant sentAt) {
  const Limit limit(call.deadline, shared_.options.timeout);
  if (limit.at <= steadyNow()) return {limit.passed(), false};
  Session& session = *session_;
  bool answered = false;
  try {
    const Cutter cutter(shared_.timer, session.socket().impl()->sockfd(), limit.at);
    session.socket().setReceiveTimeout(remaining(limit.at));
    session.socket().setSendTimeout(remaining(limit.at));
    try {
      HTTPRequest request = requestOf(call);
      session.sendRequest(request) << call.body << std::flush;
      bytes("sent").add(static_cast<double>(call.body.size()));
      HTTPResponse response;
      std::istream& in = session.receiveResponse(response);
      answered = true;
      Result<HttpAnswer> answer = readAnswer(response, in);
      if (!answer) return {cutter.hasCut() ? limit.passed() : answer.error(), true};
      answer->sentAt = sentAt;
      if (!response.getKeepAlive() || cutter.hasCut()) session_.reset();
      idleSince_ = steadyNow();
      return {std::move(answer), true};
    } catch (const Poco::Exception& e) {
      if (cutter.hasCut() || limit.at <= steadyNow()) return {limit.passed(), answered};
      return {failure("exchange", e.displayText()), answered};
    }
  } catch (const Poco::Exception& e) {
    return {failure("exchange", e.displayText()), answered};
  }
}

Result<HttpAnswer> PocoTransport::readAnswer(HTTPResponse& response, std::istream& in) {
  HttpAnswer answer;
  answer.status = static_cast<int>(response.getStatus());
  if (answer.status >= 300 && answer.status < 400) {
    return failure("redirect", "answered with a redirect, which is not followed");
  }
  answer.retryAfter = response.get("Retry-After", "");
  answer.rateLimit = leadingNumber(response.get("RateLimit-Limit", ""));
  answer.rateRemaining = leadingNumber(response.get("RateLimit-Remaining", ""));
  answer.date = response.get("Date", "");
  if (const Outcome read = readBody(response, in, answer.body); !read) return read.error();
  bytes("received").add(static_cast<double>(answer.body.size()));
  return answer;
}

// Poco passes a body that was cut short for a whole one: over plain TCP without a word, over TLS
// as an empty one and a bad stream.
Outcome PocoTransport::readBody(const HTTPResponse& response, std::istream& in, std::string& body) {
  const auto cap = static_cast<std::streamsize>(shared_.options.maxBodyBytes);
  const bool sized = response.hasContentLength();
  const bool chunked = response.getChunkedTransferEncoding();
  if (sized && response.getContentLength64() > cap) return failure("size", "answer too large");
  if (!sized && !chunked && response.getKeepAlive() && response.getStatus() != 204) {
    return failure("cut", "answer without a length");
  }
  char chunk[16384];
  while (in.read(chunk, sizeof chunk), in.gcount() > 0) {
    body.append(chunk, static_cast<std::size_t>(in.gcount()));
    if (static_cast<std::streamsize>(body.size()) > cap) return failure("size", "answer too large");
  }
  if (in.bad() || session_->networkException() != nullptr)
    return failure("cut", "answer cut short");
  if (sized && response.getContentLength64() != static_cast<Poco::Int64>(body.size())) {
    return failure("cut", "answer cut short");
  }
  return Done{};
}

Poco::Net::Context::Ptr makeContext(const std::string& caFile) {
  using Poco::Net::Context;
  Context::Ptr context = new Context(Context::TLS_CLIENT_USE, "", "", caFile,
                                     Context::VERIFY_STRICT, 9, caFile.empty());
  context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
  context->enableExtendedCertificateVerification(true);
  return context;
}

}  // namespace

PocoNetwork::PocoNetwork(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<PocoNetwork>> PocoNetwork::open(const Options& options) {
  if (!isVisibleAscii(options.key.reveal())) {
    return Error{Code::kInvalid, "the API key must be visible ASCII without blanks"};
  }
  auto shared = std::make_unique<Shared>();
  shared->options = options;
  Poco::Net::initializeSSL();
  std::unique_ptr<PocoNetwork> network(new PocoNetwork(std::move(shared)));
  try {
    if (options.url.tls) network->shared_->tls = makeContext(options.caFile);
  } catch (const Poco::Exception& e) {
    return Error{Code::kInvalid, "the authorities for TLS cannot be used: " + e.displayText()};
  }
  return network;
}

PocoNetwork::~PocoNetwork() {
  shared_->timer.stop();
  shared_->tls = nullptr;
  Poco::Net::uninitializeSSL();
}

std::unique_ptr<Transport> PocoNetwork::newTransport() {
  return std::make_unique<PocoTransport>(*shared_);
}

}  // namespace mbr::activecampaign
