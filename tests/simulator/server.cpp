#include "server.h"

#include <Poco/ErrorHandler.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/StreamCopier.h>

#include <algorithm>
#include <cstdio>

#include "api.h"
#include "control.h"

namespace acsim {
namespace {

using namespace Poco::Net;

constexpr int kThreads = 160;
constexpr std::size_t kChunkedAbove = 4096;  // the real one mixes both framings

const char* const kErrorPage =
    "<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>Error</h1>"
    "<p>The web server reported an error.</p></body></html>\n";

std::string readBody(HTTPServerRequest& request) {
  std::string body;
  if (request.hasContentLength() || request.getChunkedTransferEncoding()) {
    Poco::StreamCopier::copyToString(request.stream(), body);
  }
  return body;
}

Request read(HTTPServerRequest& http) {
  Request request;
  request.method = http.getMethod();
  request.target = http.getURI();
  const std::size_t mark = request.target.find('?');
  request.path = request.target.substr(0, mark);
  if (mark != std::string::npos)
    request.query = Query(std::string_view(request.target).substr(mark + 1));
  request.base = (http.secure() ? "https://" : "http://") + http.get("Host", "127.0.0.1");
  return request;
}

bool below(const std::string& path, const std::string& prefix) {
  return path.compare(0, prefix.size(), prefix) == 0;
}

std::vector<std::string> partsBelow(const std::string& path, const std::string& prefix) {
  std::vector<std::string> parts;
  for (const std::string& part : split(std::string_view(path).substr(prefix.size()), '/')) {
    parts.push_back(urlDecode(part));
  }
  return parts;
}

// How an answer is put on the wire.
enum class Wire { kWhole, kTruncated, kReset };

class Handler : public HTTPRequestHandler {
 public:
  explicit Handler(World& world) : world_(world) {}

  void handleRequest(HTTPServerRequest& http, HTTPServerResponse& response) override {
    Request request = read(http);
    if (below(request.path, "/_sim/")) {
      const Ms at = nowMs();
      request.body = readBody(http);
      request.parts = partsBelow(request.path, "/_sim/");
      const Answer answer = answerControl(world_, request);
      world_.log.addControl({at, request.method, request.target, answer.status, -1});
      send(response, answer, Wire::kWhole);
      return;
    }
    const RateLimit::Verdict verdict = world_.limit.take();
    request.body = readBody(http);
    Wire wire = Wire::kWhole;
    Answer answer = verdict.allowed ? respond(http, request, wire) : limited();
    if (verdict.remaining >= 0) {
      answer.headers.emplace_back("RateLimit-Limit", std::to_string(world_.limit.limit()));
      answer.headers.emplace_back("RateLimit-Remaining", std::to_string(verdict.remaining));
    }
    world_.log.add({verdict.at, request.method, request.target,
                    wire == Wire::kReset ? 0 : answer.status, verdict.remaining});
    if (wire == Wire::kReset) {
      reset(http, response);
    } else {
      send(response, answer, wire);
    }
  }

 private:
  Answer respond(const HTTPServerRequest& http, Request& request, Wire& wire) {
    const auto fault = world_.faults.match(request.method, request.target);
    if (!fault) return real(http, request);
    if (fault->delayMs > 0) world_.stopper.sleep(std::chrono::milliseconds(fault->delayMs));
    wire = fault->reset ? Wire::kReset : fault->truncate ? Wire::kTruncated : Wire::kWhole;
    const bool replaced = fault->reset || fault->status != 0 || fault->body;
    Answer answer;
    if (!replaced || fault->after) answer = real(http, request);
    if (fault->status != 0) answer = canned(fault->status);
    if (fault->body) {
      answer.body = *fault->body;
      const bool looksJson =
          !answer.body.empty() && (answer.body[0] == '{' || answer.body[0] == '[');
      answer.type = looksJson ? "application/json" : "text/html; charset=UTF-8";
    }
    if (!fault->retryAfter.empty()) answer.headers.emplace_back("Retry-After", fault->retryAfter);
    return answer;
  }

  Answer real(const HTTPServerRequest& http, Request& request) {
    if (!below(request.path, "/api/3/")) return canned(404);
    if (http.get("Api-Token", "") != world_.options.token || world_.faults.flickers()) {
      return message(403, "Forbidden");
    }
    request.parts = partsBelow(request.path, "/api/3/");
    const Switches switches =
        world_.faults.switches(request.method == "GET" && request.path == "/api/3/contacts");
    const NumericIds numeric(switches.numericIds);
    return world_.account.with(request.method != "GET", [&](Ledger& ledger) {
      return answerApi({ledger, request, switches});
    });
  }

  Answer limited() {
    const Switches switches = world_.faults.switches();
    Answer answer = canned(switches.limitStatus);
    if (switches.limitBody == "json") answer = message(switches.limitStatus, "Too Many Requests");
    if (switches.limitBody == "empty") answer.body.clear();
    if (!world_.options.retryAfter.empty()) {
      answer.headers.emplace_back("Retry-After", world_.options.retryAfter);
    }
    return answer;
  }

  static Answer canned(int status) {
    if (status == 403) return message(403, "Forbidden");
    if (status == 429) return message(429, "Too Many Requests");
    Answer answer = json(status, kErrorPage);
    answer.type = "text/html; charset=UTF-8";
    return answer;
  }

  static void send(HTTPServerResponse& response, const Answer& answer, Wire wire) {
    response.setStatusAndReason(static_cast<HTTPResponse::HTTPStatus>(answer.status));
    response.setContentType(answer.type);
    response.set("Cache-Control", "no-store, no-cache, must-revalidate");
    response.set("Pragma", "no-cache");
    response.set("Set-Cookie", "PHPSESSID=0123456789abcdef0123456789abcdef; path=/; HttpOnly");
    for (const auto& [name, value] : answer.headers) response.set(name, value);
    if (wire == Wire::kTruncated) {
      response.setKeepAlive(false);
      response.setContentLength(static_cast<std::streamsize>(answer.body.size()) + 64);
      response.send() << answer.body.substr(0, answer.body.size() / 2) << std::flush;
    } else if (answer.body.size() > kChunkedAbove) {
      response.setChunkedTransferEncoding(true);
      response.send() << answer.body << std::flush;
    } else {
      response.sendBuffer(answer.body.data(), answer.body.size());
    }
  }

  static void reset(HTTPServerRequest& http, HTTPServerResponse& response) {
    response.setKeepAlive(false);
    StreamSocket& socket = static_cast<HTTPServerRequestImpl&>(http).socket();
    socket.setLinger(true, 0);
    socket.close();
  }

  World& world_;
};

class Factory : public HTTPRequestHandlerFactory {
 public:
  explicit Factory(World& world) : world_(world) {}
  HTTPRequestHandler* createRequestHandler(const HTTPServerRequest&) override {
    return new Handler(world_);
  }

 private:
  World& world_;
};

// Clients that go away are daily business here; anything else is worth a line.
class Errors : public Poco::ErrorHandler {
 public:
  void exception(const Poco::Exception& error) override {
    if (dynamic_cast<const NetException*>(&error) != nullptr) return;
    std::fprintf(stderr, "acsim: %s\n", error.displayText().c_str());
  }
  void exception(const std::exception& error) override {
    std::fprintf(stderr, "acsim: %s\n", error.what());
  }
};

ServerSocket listenOn(const Options& options) {
  const SocketAddress address("127.0.0.1", options.port);
  ServerSocket plain;
  if (!options.certFile.empty()) {
    const Context::Ptr context(new Context(Context::SERVER_USE, options.keyFile, options.certFile,
                                           "", Context::VERIFY_NONE));
    plain = SecureServerSocket(context);
  }
  plain.bind(address, true, false);
  plain.listen(256);
  return plain;
}

Errors errorHandler;

}  // namespace

Server::Server(World& world) : pool_(8, kThreads) {
  Poco::ErrorHandler::set(&errorHandler);
  HTTPServerParams* params = new HTTPServerParams;
  params->setMaxThreads(kThreads);
  params->setMaxQueued(1000);
  params->setKeepAlive(true);
  params->setMaxKeepAliveRequests(0);
  params->setKeepAliveTimeout(Poco::Timespan(75, 0));
  params->setTimeout(Poco::Timespan(75, 0));
  // A thread that goes idle just as Poco stops is not woken: the end waits for so long then.
  params->setThreadIdleTime(Poco::Timespan(1, 0));
  server_ =
      std::make_unique<HTTPServer>(new Factory(world), pool_, listenOn(world.options), params);
}

Server::~Server() = default;

void Server::start() { server_->start(); }

void Server::stop() {
  server_->stopAll(true);
  pool_.joinAll();
}

unsigned short Server::port() const { return server_->port(); }

}  // namespace acsim
