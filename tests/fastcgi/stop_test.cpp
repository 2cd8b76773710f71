// Stopping loses no request.
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "fastcgi/running_server.h"

namespace {

using namespace mbr;
using namespace mbr::test;
using std::chrono::milliseconds;

void answerOk(const http::Request&, const http::Reply& reply) {
  reply.send(textResponse(200, "ok"));
}

class StopTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StopTest);
  CPPUNIT_TEST(stoppingTwiceIsHarmless);
  CPPUNIT_TEST(aServerThatNeverStartedStops);
  CPPUNIT_TEST(stoppedServersRefuseConnectionsAndLeaveNoFile);
  CPPUNIT_TEST(idleConnectionsAreClosed);
  CPPUNIT_TEST(requestsInFlightAreAnsweredAndTheirConnectionClosed);
  CPPUNIT_TEST(waitingRepliesGetTheirFallbackAtOnce);
  CPPUNIT_TEST(nobodyMayWaitWhileStopping);
  CPPUNIT_TEST(anUnansweredRequestGets503AtTheStopDeadline);
  CPPUNIT_TEST(acceptedConnectionsAreServedInTheDrainWindow);
  CPPUNIT_TEST(withoutConnectionsNobodyWaitsForTheDrainWindow);
  CPPUNIT_TEST(aReplyMayOutliveTheServer);
  CPPUNIT_TEST(underLoadEveryAcceptedRequestIsAnswered);
  CPPUNIT_TEST_SUITE_END();

  void stoppingTwiceIsHarmless() {
    RunningServer server(answerOk);
    server.server().stopAccepting();
    server.server().stop();
    server.server().stop();
  }

  void aServerThatNeverStartedStops() {
    const SystemClock clock;
    fastcgi::Server server(quickOptions(), clock, answerOk);
    server.stop();
  }

  void stoppedServersRefuseConnectionsAndLeaveNoFile() {
    RunningServer server(answerOk);
    CPPUNIT_ASSERT(std::filesystem::exists(server.path()));
    server.server().stop();
    CPPUNIT_ASSERT_THROW(FastCgiClient(server.path()), std::runtime_error);
    CPPUNIT_ASSERT(!std::filesystem::exists(server.path()));
  }

  void idleConnectionsAreClosed() {
    RunningServer server(answerOk);
    FastCgiClient used(server.path());
    FastCgiClient unused(server.path());
    CPPUNIT_ASSERT_EQUAL(200, used.request(paramsFor("GET", "/")).status);
    server.server().stop();
    CPPUNIT_ASSERT(used.isClosed());
    CPPUNIT_ASSERT(unused.isClosed());
  }

  void requestsInFlightAreAnsweredAndTheirConnectionClosed() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    auto stopped = std::async(std::launch::async, [&] { server.server().stop(); });
    // It waits for this answer, however often we look.
    CPPUNIT_ASSERT(stopped.wait_for(milliseconds{50}) == std::future_status::timeout);
    call.reply.send(textResponse(200, "done"));
    CPPUNIT_ASSERT_EQUAL(std::string("done"), client.receive().body);
    CPPUNIT_ASSERT(client.isClosed());
    stopped.get();
  }

  void waitingRepliesGetTheirFallbackAtOnce() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    const auto late = std::chrono::steady_clock::now() + std::chrono::hours{1};
    CPPUNIT_ASSERT(call.reply.expireAt(late, textResponse(202, "later")));
    server.server().stop();
    CPPUNIT_ASSERT_EQUAL(202, client.receive().status);
  }

  void nobodyMayWaitWhileStopping() {
    HeldCalls calls;
    RunningServer server(calls.handler());
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    auto stopped = std::async(std::launch::async, [&] { server.server().stop(); });
    const auto late = std::chrono::steady_clock::now() + std::chrono::hours{1};
    // Until the stop has begun this one may wait; then it gets its fallback.
    while (call.reply.expireAt(late, textResponse(202, "later")) &&
           stopped.wait_for(milliseconds{1}) != std::future_status::ready) {
    }
    call.reply.send(textResponse(503, "refused"));
    CPPUNIT_ASSERT(client.receive().status != 0);
    stopped.get();
  }

  void anUnansweredRequestGets503AtTheStopDeadline() {
    HeldCalls calls;
    auto options = quickOptions();
    options.stopDeadline = milliseconds{50};
    RunningServer server(calls.handler(), options);
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    server.server().stop();
    CPPUNIT_ASSERT_EQUAL(503, client.receive().status);
    call.reply.send(textResponse(200, "too late"));
  }

  void acceptedConnectionsAreServedInTheDrainWindow() {
    auto options = quickOptions();
    options.drainWindow = milliseconds{2000};
    RunningServer server(answerOk, options);
    FastCgiClient kept(server.path());
    CPPUNIT_ASSERT_EQUAL(200, kept.request(paramsFor("GET", "/")).status);
    FastCgiClient fresh(server.path());
    server.server().stopAccepting();
    CPPUNIT_ASSERT_THROW(FastCgiClient(server.path()), std::runtime_error);
    auto stopped = std::async(std::launch::async, [&] { server.server().stop(); });
    CPPUNIT_ASSERT_EQUAL(200, fresh.request(paramsFor("GET", "/")).status);
    CPPUNIT_ASSERT(fresh.isClosed());
    CPPUNIT_ASSERT_EQUAL(200, kept.request(paramsFor("GET", "/")).status);
    CPPUNIT_ASSERT(kept.isClosed());
    stopped.get();
  }

  void withoutConnectionsNobodyWaitsForTheDrainWindow() {
    auto options = quickOptions();
    options.drainWindow = std::chrono::hours{1};
    options.stopDeadline = std::chrono::hours{2};
    RunningServer server(answerOk, options);
    server.server().stop();
  }

  void aReplyMayOutliveTheServer() {
    HeldCalls calls;
    auto options = quickOptions();
    options.stopDeadline = milliseconds{10};
    RunningServer server(calls.handler(), options);
    FastCgiClient client(server.path());
    client.send(requestBytes(paramsFor("GET", "/"), {}));
    const auto call = calls.take();
    server.destroy();
    const auto soon = std::chrono::steady_clock::now() + milliseconds{1};
    call.reply.send(textResponse(200, "late"));
    call.reply.sendAt(soon, textResponse(200, "late"));
    CPPUNIT_ASSERT(call.reply.expireAt(soon, textResponse(200, "late")));
  }

  void underLoadEveryAcceptedRequestIsAnswered() {
    auto options = quickOptions();
    options.drainWindow = milliseconds{300};
    RunningServer server(answerOk, options);
    std::atomic<int> answered{0};
    std::atomic<int> lost{0};
    std::atomic<bool> enough{false};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        while (!enough) {
          try {
            FastCgiClient client(server.path());
            const auto reply = client.request(paramsFor("GET", "/"), {}, false);
            ++(reply.status == 200 ? answered : lost);
          } catch (const std::runtime_error&) {
            return;  // nobody listens any more
          }
        }
      });
    }
    while (answered < 200) std::this_thread::yield();
    server.server().stop();
    enough = true;
    for (auto& client : clients) client.join();
    CPPUNIT_ASSERT_EQUAL(0, lost.load());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StopTest);

}  // namespace
