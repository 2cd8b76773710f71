// When and by whom a request is answered.
#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fastcgi/running_server.h"
#include "ops/metrics.h"

namespace {

using namespace mbr;
using namespace mbr::test;
using std::chrono::milliseconds;

SteadyInstant in(milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

ops::Counter& ignoredReplies() {
  return ops::counter("membergate_replies_ignored_total",
                      "Answers given to a request that had one already.");
}

class ReplyTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReplyTest);
  CPPUNIT_TEST(anotherThreadMayAnswer);
  CPPUNIT_TEST(waitingRequestsCostNoThread);
  CPPUNIT_TEST(oneThreadMayAnswerManyAtOnce);
  CPPUNIT_TEST(anAnswerDuringTheHandlerFromAnotherThreadIsSent);
  CPPUNIT_TEST(theFirstAnswerWinsAndOthersAreCounted);
  CPPUNIT_TEST(aDroppedReplyIs500);
  CPPUNIT_TEST(aReplyDroppedByTheHandlerIs500);
  CPPUNIT_TEST(aLateReplyIs503WithRetryAfter);
  CPPUNIT_TEST(lateRepliesAreFoundBehindPunctualOnes);
  CPPUNIT_TEST(aWaitingReplyGetsItsFallback);
  CPPUNIT_TEST(aWaitingReplyOutlivesTheServersDeadline);
  CPPUNIT_TEST(aWaitingReplyMayBeAnsweredBefore);
  CPPUNIT_TEST(aDeadlineMayBeReplaced);
  CPPUNIT_TEST(noMoreWaitThanAllowed);
  CPPUNIT_TEST(aScheduledAnswerComesAtItsTimeAndStays);
  CPPUNIT_TEST(aScheduledAnswerOfThePastComesAtOnce);
  CPPUNIT_TEST(aClientThatWentAwayDisturbsNobody);
  CPPUNIT_TEST(answersAreCountedByStatus);
  CPPUNIT_TEST_SUITE_END();

  void anotherThreadMayAnswer() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    for (int i = 0; i < 20; ++i) {
      client.send(requestBytes(paramsFor("GET", "/"), {}));
      calls.take().reply.send(textResponse(200, std::to_string(i)));
      CPPUNIT_ASSERT_EQUAL(std::to_string(i), client.receive().body);
    }
  }

  void waitingRequestsCostNoThread() {
    HeldCalls calls;
    auto options = quickOptions();
    options.threads = 1;
    RunningServer server(
        [handler = calls.handler()](const http::Request& request, const http::Reply& reply) {
          if (request.path == "/now") return reply.send(textResponse(200, "now"));
          handler(request, reply);
        },
        options);
    std::vector<std::unique_ptr<FastCgiClient>> waiting;
    std::vector<HeldCalls::Call> held;
    for (int i = 0; i < 100; ++i) {
      waiting.push_back(std::make_unique<FastCgiClient>(server.path()));
      waiting.back()->send(requestBytes(paramsFor("GET", "/later"), {}));
      held.push_back(calls.take());
    }
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(std::string("now"), client.request(paramsFor("GET", "/now")).body);
    for (const auto& call : held) call.reply.send(textResponse(200, "later"));
    for (const auto& one : waiting) CPPUNIT_ASSERT_EQUAL(std::string("later"), one->receive().body);
  }

  void oneThreadMayAnswerManyAtOnce() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    std::vector<std::unique_ptr<FastCgiClient>> clients;
    for (int i = 0; i < 64; ++i) clients.push_back(std::make_unique<FastCgiClient>(server.path()));
    for (int round = 0; round < 20; ++round) {
      for (const auto& client : clients) client->send(requestBytes(paramsFor("GET", "/"), {}));
      std::vector<HeldCalls::Call> group;
      for (std::size_t i = 0; i < clients.size(); ++i) group.push_back(calls.take());
      for (const auto& call : group) call.reply.send(textResponse(200, std::to_string(round)));
      for (const auto& client : clients) {
        CPPUNIT_ASSERT_EQUAL(std::to_string(round), client->receive().body);
      }
    }
  }

  void anAnswerDuringTheHandlerFromAnotherThreadIsSent() {
    RunningServer server([](const http::Request&, const http::Reply& reply) {
      std::thread([&] { reply.send(textResponse(200, "other")); }).join();
    });
    FastCgiClient client(server.path());
    for (int i = 0; i < 20; ++i) {
      CPPUNIT_ASSERT_EQUAL(std::string("other"), client.request(paramsFor("GET", "/")).body);
    }
  }

  void theFirstAnswerWinsAndOthersAreCounted() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const double before = ignoredReplies().value();
    const auto call = calls.take();
    call.reply.send(textResponse(200, "first"));
    call.reply.send(textResponse(200, "second"));
    CPPUNIT_ASSERT_EQUAL(std::string("first"), client.receive().body);
    call.reply.send(textResponse(200, "third"));
    CPPUNIT_ASSERT_EQUAL(before + 2, ignoredReplies().value());

    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto next = calls.take();
    call.reply.send(textResponse(200, "fourth"));  // of the request before, on the same connection
    next.reply.send(textResponse(200, "next"));
    CPPUNIT_ASSERT_EQUAL(std::string("next"), client.receive().body);
  }

  void aDroppedReplyIs500() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    { const auto dropped = calls.take(); }
    CPPUNIT_ASSERT_EQUAL(500, client.receive().status);
  }

  void aReplyDroppedByTheHandlerIs500() {
    RunningServer server([](const http::Request&, const http::Reply&) {});
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(500, client.request(paramsFor("GET", "/")).status);
  }

  void aLateReplyIs503WithRetryAfter() {
    HeldCalls calls;
    auto options = quickOptions();
    options.replyDeadline = milliseconds{30};
    RunningServer server(calls.handler(), options);
    FastCgiClient client(server.path());
    auto params = paramsFor("GET", "/");
    params.emplace_back("MEMBERGATE_REQUEST_ID", "the-id");
    for (int i = 0; i < 3; ++i) {
      client.send(requestBytes(params, {}));
      const auto held = calls.take();
      const auto late = client.receive();
      CPPUNIT_ASSERT_EQUAL(503, late.status);
      CPPUNIT_ASSERT_EQUAL(std::string("1"), late.headers.at("retry-after"));
      CPPUNIT_ASSERT(late.body.find("the-id") != std::string::npos);
    }
  }

  void lateRepliesAreFoundBehindPunctualOnes() {
    HeldCalls calls;
    auto options = quickOptions();
    options.replyDeadline = milliseconds{100};
    RunningServer server(calls.handler(), options);
    FastCgiClient punctual(server.path());
    FastCgiClient late(server.path());
    punctual.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto first = calls.take();
    late.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto second = calls.take();
    first.reply.send(textResponse(200, "in time"));
    CPPUNIT_ASSERT_EQUAL(200, punctual.receive().status);
    CPPUNIT_ASSERT_EQUAL(503, late.receive().status);
  }

  void aWaitingReplyGetsItsFallback() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    CPPUNIT_ASSERT(call.reply.expireAt(in(milliseconds{20}), textResponse(202, "later")));
    CPPUNIT_ASSERT_EQUAL(202, client.receive().status);
  }

  void aWaitingReplyOutlivesTheServersDeadline() {
    auto options = quickOptions();
    options.replyDeadline = milliseconds{20};
    std::optional<http::Reply> kept;
    RunningServer server(
        [&](const http::Request&, const http::Reply& reply) {
          CPPUNIT_ASSERT(reply.expireAt(in(milliseconds{150}), textResponse(204, "")));
          kept = reply;
        },
        options);
    FastCgiClient client(server.path());
    const auto sent = std::chrono::steady_clock::now();
    CPPUNIT_ASSERT_EQUAL(204, client.request(paramsFor("GET", "/")).status);
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - sent >= milliseconds{150});
  }

  void aWaitingReplyMayBeAnsweredBefore() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    CPPUNIT_ASSERT(call.reply.expireAt(in(std::chrono::hours{1}), textResponse(202, "later")));
    call.reply.send(textResponse(200, "done"));
    CPPUNIT_ASSERT_EQUAL(std::string("done"), client.receive().body);
  }

  void aDeadlineMayBeReplaced() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    CPPUNIT_ASSERT(call.reply.expireAt(in(std::chrono::hours{1}), textResponse(202, "first")));
    CPPUNIT_ASSERT(call.reply.expireAt(in(milliseconds{10}), textResponse(202, "second")));
    CPPUNIT_ASSERT_EQUAL(std::string("second"), client.receive().body);
  }

  void noMoreWaitThanAllowed() {
    HeldCalls calls;
    auto options = quickOptions();
    options.maxWaiting = 1;
    RunningServer server(calls.handler(), options);
    FastCgiClient first(server.path());
    FastCgiClient second(server.path());
    first.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto one = calls.take();
    second.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto two = calls.take();
    const auto late = in(std::chrono::hours{1});
    CPPUNIT_ASSERT(one.reply.expireAt(late, textResponse(202, "")));
    CPPUNIT_ASSERT(one.reply.expireAt(late, textResponse(202, "")));
    CPPUNIT_ASSERT(!two.reply.expireAt(late, textResponse(202, "")));
    one.reply.send(textResponse(200, "one"));
    CPPUNIT_ASSERT(two.reply.expireAt(late, textResponse(202, "")));
    two.reply.send(textResponse(200, "two"));
    CPPUNIT_ASSERT_EQUAL(std::string("one"), first.receive().body);
    CPPUNIT_ASSERT_EQUAL(std::string("two"), second.receive().body);
  }

  void aScheduledAnswerComesAtItsTimeAndStays() {
    RunningServer server([](const http::Request&, const http::Reply& reply) {
      reply.sendAt(in(milliseconds{50}), textResponse(401, "no"));
      reply.send(textResponse(200, "yes"));
    });
    FastCgiClient client(server.path());
    const auto sent = std::chrono::steady_clock::now();
    CPPUNIT_ASSERT_EQUAL(401, client.request(paramsFor("GET", "/")).status);
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - sent >= milliseconds{50});
  }

  void aScheduledAnswerOfThePastComesAtOnce() {
    RunningServer server([](const http::Request& request, const http::Reply& reply) {
      reply.sendAt(request.arrived - milliseconds{1}, textResponse(401, "no"));
    });
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(401, client.request(paramsFor("GET", "/")).status);
  }

  void aClientThatWentAwayDisturbsNobody() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    for (int i = 0; i < 20; ++i) {
      std::optional<HeldCalls::Call> call;
      {
        FastCgiClient gone(server.path());
        gone.send(requestBytes(paramsFor("GET", "/"), {}));
        call = calls.take();
      }
      call->reply.send(textResponse(200, std::string(100000, 'x')));
    }
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    calls.take().reply.send(textResponse(200, "still here"));
    CPPUNIT_ASSERT_EQUAL(std::string("still here"), client.receive().body);
  }

  void answersAreCountedByStatus() {
    auto& counted = ops::counter("membergate_http_requests_total", "Requests answered, by status.",
                                 {{"status", "207"}});
    RunningServer server(
        [](const http::Request&, const http::Reply& reply) { reply.send(textResponse(207, "")); });
    FastCgiClient client(server.path());
    for (int i = 0; i < 3; ++i) client.request(paramsFor("GET", "/"));
    server.destroy();
    CPPUNIT_ASSERT_EQUAL(3.0, counted.value());
    const std::string text = ops::metricsText();
    CPPUNIT_ASSERT(text.find("membergate_http_request_seconds_bucket") != std::string::npos);
    CPPUNIT_ASSERT(text.find("membergate_fastcgi_connections 0") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplyTest);

}  // namespace
