#include "activecampaign/poco_transport.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "activecampaign/tcp_peer.h"
#include "base/json.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;
using test::httpAnswer;
using test::TcpPeer;
using Connection = TcpPeer::Connection;

const Instant kToken{std::chrono::seconds{1700000000}};

class PocoTransportTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PocoTransportTest);
  CPPUNIT_TEST(aRequestArrivesAsItWasAsked);
  CPPUNIT_TEST(aBodyGoesWithItsLength);
  CPPUNIT_TEST(theTokenIsTakenOnAnOpenConnectionBeforeAnythingIsWritten);
  CPPUNIT_TEST(withoutATokenNothingIsWritten);
  CPPUNIT_TEST(aConnectionIsKept);
  CPPUNIT_TEST(aKeptConnectionThatWasClosedIsReplacedBeforeAnythingIsWritten);
  CPPUNIT_TEST(aRepeatableCallIsSentAgainOnceIfAKeptConnectionGaveNoAnswer);
  CPPUNIT_TEST(aCallThatMustNotBeRepeatedIsNot);
  CPPUNIT_TEST(aNewConnectionWithoutAnAnswerIsNotTriedAgain);
  CPPUNIT_TEST(aShortBodyIsAnError);
  CPPUNIT_TEST(aCutChunkedBodyNeverPassesForAWholeOne);
  CPPUNIT_TEST(aResetIsAnError);
  CPPUNIT_TEST(anAnswerWithoutALengthIsAnError);
  CPPUNIT_TEST(aRedirectIsNotFollowed);
  CPPUNIT_TEST(aHugeAnswerIsRefused);
  CPPUNIT_TEST(aDrippingBodyIsCutOff);
  CPPUNIT_TEST(aDrippingHeadIsCutOff);
  CPPUNIT_TEST(aSilentPeerIsCutOff);
  CPPUNIT_TEST(theCallersDeadlineIsItsOwnError);
  CPPUNIT_TEST(nobodyThereIsAnError);
  CPPUNIT_TEST(lineBreaksGetNowhere);
  CPPUNIT_TEST(statusAndRetryAfterArePassedOn);
  CPPUNIT_TEST(whatIsLeftOfTheRateIsPassedOn);
  CPPUNIT_TEST(aRateThatIsNoNumberIsNone);
  CPPUNIT_TEST_SUITE_END();

  int tokens = 0;
  std::unique_ptr<PocoNetwork> network;
  std::unique_ptr<Transport> transport;

  void connectTo(std::uint16_t port) {
    Options options;
    options.url = parseBaseUrl("http://127.0.0.1:" + std::to_string(port)).value();
    options.key = Secret("test-key");
    options.timeout = 400ms;
    options.maxBodyBytes = 100000;
    network = PocoNetwork::open(options).value();
    transport = network->newTransport();
  }

 public:
  void tearDown() override {
    transport.reset();
    network.reset();
  }

 private:
  HttpCall get(const std::string& path = "users/me") {
    HttpCall call;
    call.method = "GET";
    call.path = path;
    call.repeatable = true;
    call.deadline = std::chrono::steady_clock::now() + 20s;
    call.takeToken = [this]() -> Result<Instant> {
      ++tokens;
      return kToken + Milliseconds{tokens};
    };
    return call;
  }

  HttpCall post() {
    HttpCall call = get("contactTags");
    call.method = "POST";
    call.body = R"({"contactTag":{}})";
    call.repeatable = false;
    return call;
  }

  // Sends one GET to a peer that answers with `bytes` and closes.
  Result<HttpAnswer> answered(const std::string& bytes) {
    TcpPeer peer([&](Connection& connection, int) {
      connection.readRequest();
      connection.write(bytes);
    });
    connectTo(peer.port());
    return transport->send(get());
  }

  static void assertFailed(const Result<HttpAnswer>& result, const std::string& kind) {
    CPPUNIT_ASSERT(!result);
    CPPUNIT_ASSERT(result.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_EQUAL(kind, result.error().detail.substr(0, kind.size()));
  }

  void aRequestArrivesAsItWasAsked() {
    TcpPeer peer([](Connection& connection, int) {
      connection.readRequest();
      connection.write(httpAnswer(200, "{}"));
    });
    connectTo(peer.port());
    HttpCall call = get("contacts");
    call.query = {{"email", "a+b c@x.org"}, {"orders[id]", "ASC"}};
    const auto answer = transport->send(call);
    CPPUNIT_ASSERT(answer);
    CPPUNIT_ASSERT_EQUAL(200, answer->status);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), answer->body);
    CPPUNIT_ASSERT(answer->sentAt == kToken + 1ms);
    const std::string request = peer.requests().at(0);
    CPPUNIT_ASSERT_EQUAL(
        std::string("GET /api/3/contacts?email=a%2Bb%20c%40x.org&orders%5Bid%5D=ASC HTTP/1.1\r\n"),
        request.substr(0, request.find('\n') + 1));
    for (const std::string& header :
         {"Host: 127.0.0.1:" + std::to_string(peer.port()), std::string("Api-Token: test-key"),
          std::string("User-Agent: membergate/"), std::string("Accept: application/json")}) {
      CPPUNIT_ASSERT_MESSAGE(header, request.find("\r\n" + header) != std::string::npos);
    }
    CPPUNIT_ASSERT(request.find("Content-Length") == std::string::npos);
  }

  void aBodyGoesWithItsLength() {
    TcpPeer peer([](Connection& connection, int) {
      connection.readRequest();
      connection.write(httpAnswer(201, "{}"));
    });
    connectTo(peer.port());
    CPPUNIT_ASSERT_EQUAL(201, transport->send(post())->status);
    const std::string request = peer.requests().at(0);
    CPPUNIT_ASSERT(request.find("Content-Type: application/json\r\n") != std::string::npos);
    CPPUNIT_ASSERT(request.find("\r\n\r\n{\"contactTag\":{}}") != std::string::npos);
  }

  void theTokenIsTakenOnAnOpenConnectionBeforeAnythingIsWritten() {
    TcpPeer peer([](Connection& connection, int) {
      connection.readRequest();
      connection.write(httpAnswer(200, "{}"));
    });
    connectTo(peer.port());
    HttpCall call = get();
    call.takeToken = [&]() -> Result<Instant> {
      while (peer.connections() < 1) std::this_thread::yield();
      CPPUNIT_ASSERT(peer.requests().empty());
      return kToken;
    };
    CPPUNIT_ASSERT(transport->send(call));
  }

  void withoutATokenNothingIsWritten() {
    TcpPeer peer([](Connection& connection, int) {
      while (!connection.readRequest().empty()) connection.write(httpAnswer(200, "{}"));
    });
    connectTo(peer.port());
    HttpCall call = get();
    call.takeToken = []() -> Result<Instant> { return Error{Code::kBusy, "spent", 250ms}; };
    const auto refused = transport->send(call);
    CPPUNIT_ASSERT(refused.error().code == Code::kBusy);
    CPPUNIT_ASSERT(refused.error().retryAfter == 250ms);
    CPPUNIT_ASSERT(transport->send(get()));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, peer.requests().size());
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void aConnectionIsKept() {
    TcpPeer peer([](Connection& connection, int) {
      while (!connection.readRequest().empty()) connection.write(httpAnswer(200, "{}"));
    });
    connectTo(peer.port());
    for (int i = 0; i < 5; ++i) CPPUNIT_ASSERT(transport->send(get()));
    CPPUNIT_ASSERT(transport->send(post()));
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
    CPPUNIT_ASSERT_EQUAL(6, tokens);
  }

  void aKeptConnectionThatWasClosedIsReplacedBeforeAnythingIsWritten() {
    std::atomic<bool> closed{false};
    TcpPeer peer([&](Connection& connection, int) {
      connection.readRequest();
      connection.write(httpAnswer(200, "{}"));
      connection.reset();
      closed = true;
    });
    connectTo(peer.port());
    CPPUNIT_ASSERT(transport->send(get()));
    while (!closed) std::this_thread::yield();
    closed = false;
    CPPUNIT_ASSERT(transport->send(post()));
    CPPUNIT_ASSERT_EQUAL(2, peer.connections());
    // The same while the token is waited for: a second token goes with the new connection.
    HttpCall patient = post();
    patient.takeToken = [&]() -> Result<Instant> {
      if (tokens == 2) {
        while (!closed) std::this_thread::yield();
      }
      ++tokens;
      return kToken;
    };
    CPPUNIT_ASSERT(transport->send(patient));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, peer.requests().size());
  }

  // Answers the first request of the first connection and hangs up at the second.
  static void hangUpLater(Connection& connection, int number) {
    connection.readRequest();
    connection.write(httpAnswer(200, "{}"));
    connection.readRequest();
    if (number > 1) connection.write(httpAnswer(200, "{}"));
  }

  void aRepeatableCallIsSentAgainOnceIfAKeptConnectionGaveNoAnswer() {
    TcpPeer peer(hangUpLater);
    connectTo(peer.port());
    CPPUNIT_ASSERT(transport->send(get()));
    const auto again = transport->send(get());
    CPPUNIT_ASSERT(again);
    CPPUNIT_ASSERT_EQUAL(2, peer.connections());
    CPPUNIT_ASSERT_EQUAL(3, tokens);
    CPPUNIT_ASSERT(again->sentAt == kToken + 3ms);
  }

  void aCallThatMustNotBeRepeatedIsNot() {
    TcpPeer peer(hangUpLater);
    connectTo(peer.port());
    CPPUNIT_ASSERT(transport->send(get()));
    assertFailed(transport->send(post()), "exchange");
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
    CPPUNIT_ASSERT_EQUAL(2, tokens);
    CPPUNIT_ASSERT(transport->send(post()));
  }

  void aNewConnectionWithoutAnAnswerIsNotTriedAgain() {
    TcpPeer peer([](Connection& connection, int) { connection.readRequest(); });
    connectTo(peer.port());
    assertFailed(transport->send(get()), "exchange");
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void aShortBodyIsAnError() {
    assertFailed(answered("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"user\":{}"), "cut");
  }

  void aCutChunkedBodyNeverPassesForAWholeOne() {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* body : {"8\r\n{\"user\":\r\n", "20\r\n{\"user\":{\"id\"", ""}) {
      const auto answer = answered(head + body);
      CPPUNIT_ASSERT(!answer || !json::parse(answer->body));
    }
    const auto whole = answered(head + "5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n");
    CPPUNIT_ASSERT(whole);
    CPPUNIT_ASSERT_EQUAL(std::string("{\"a\":1}"), whole->body);
  }

  void aResetIsAnError() {
    TcpPeer peer([](Connection& connection, int) {
      connection.readRequest();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
      connection.reset();
    });
    connectTo(peer.port());
    CPPUNIT_ASSERT(transport->send(get()).error().code == Code::kUnavailable);
  }

  void anAnswerWithoutALengthIsAnError() {
    assertFailed(answered("HTTP/1.1 200 OK\r\n\r\n{}"), "cut");
    const auto closing = answered("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}");
    CPPUNIT_ASSERT(closing);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), closing->body);
  }

  void aRedirectIsNotFollowed() {
    TcpPeer peer([](Connection& connection, int) {
      while (!connection.readRequest().empty()) {
        connection.write(httpAnswer(302, "{}", "Location: /api/3/elsewhere\r\n"));
      }
    });
    connectTo(peer.port());
    assertFailed(transport->send(get()), "redirect");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, peer.requests().size());
  }

  void aHugeAnswerIsRefused() {
    assertFailed(answered("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{"), "size");
    TcpPeer peer([](Connection& connection, int) {
      connection.readRequest();
      connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
      for (int i = 0; i < 64; ++i) connection.write(chunk);
    });
    connectTo(peer.port());
    assertFailed(transport->send(get()), "size");
  }

  // However slowly it drips, the call ends close to its time-out of 400 ms.
  void assertCutOff(const TcpPeer::Handler& handler) {
    TcpPeer peer(handler);
    connectTo(peer.port());
    const auto start = std::chrono::steady_clock::now();
    assertFailed(transport->send(get()), "timeout");
    const auto took = std::chrono::steady_clock::now() - start;
    CPPUNIT_ASSERT(took >= 390ms);
    CPPUNIT_ASSERT(took < 5s);
  }

  void aDrippingBodyIsCutOff() {
    assertCutOff([](Connection& connection, int) {
      connection.readRequest();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
      connection.drip(std::string(5000, ' '));
    });
  }

  void aDrippingHeadIsCutOff() {
    assertCutOff([](Connection& connection, int) {
      connection.readRequest();
      connection.drip("HTTP/1.1 200 OK\r\nX-Long: " + std::string(5000, 'x'));
    });
  }

  void aSilentPeerIsCutOff() {
    assertCutOff([](Connection& connection, int) { connection.hold(); });
  }

  void theCallersDeadlineIsItsOwnError() {
    TcpPeer peer([](Connection& connection, int) { connection.hold(); });
    connectTo(peer.port());
    HttpCall call = get();
    call.deadline = std::chrono::steady_clock::now() + 100ms;
    CPPUNIT_ASSERT(transport->send(call).error().code == Code::kBusy);
    CPPUNIT_ASSERT_EQUAL(1, tokens);
    CPPUNIT_ASSERT(transport->send(call).error().code == Code::kBusy);
    CPPUNIT_ASSERT_EQUAL(1, tokens);
  }

  void nobodyThereIsAnError() {
    std::uint16_t port = 0;
    {
      TcpPeer peer([](Connection&, int) {});
      port = peer.port();
    }
    connectTo(port);
    assertFailed(transport->send(get()), "connect");
    CPPUNIT_ASSERT_EQUAL(0, tokens);
  }

  void lineBreaksGetNowhere() {
    TcpPeer peer([](Connection& connection, int) {
      while (!connection.readRequest().empty()) connection.write(httpAnswer(200, "{}"));
    });
    connectTo(peer.port());
    for (const char* path :
         {"contacts\r\nX: y", "contacts HTTP/1.1", "contacts?x=1", "", "a/../b"}) {
      CPPUNIT_ASSERT(transport->send(get(path)).error().code == Code::kInvalid);
    }
    HttpCall call = get();
    call.query = {{"email\r\nX: y", "a\r\nX: y"}};
    CPPUNIT_ASSERT(transport->send(call));
    CPPUNIT_ASSERT(peer.requests().at(0).find("\r\nX: y") == std::string::npos);
    Options options;
    options.url = parseBaseUrl("http://127.0.0.1:1").value();
    for (const char* key : {"", "a\r\nX: y", "a b", "\xC3\x84"}) {
      options.key = Secret(key);
      const auto opened = PocoNetwork::open(options);
      CPPUNIT_ASSERT(!opened);
      CPPUNIT_ASSERT(opened.error().code == Code::kInvalid);
    }
  }

  void statusAndRetryAfterArePassedOn() {
    const auto answer = answered(httpAnswer(429, "", "Retry-After: 30\r\n"));
    CPPUNIT_ASSERT(answer);
    CPPUNIT_ASSERT_EQUAL(429, answer->status);
    CPPUNIT_ASSERT_EQUAL(std::string("30"), answer->retryAfter);
    CPPUNIT_ASSERT(!answer->rateLimit);
    CPPUNIT_ASSERT(!answer->rateRemaining);
  }

  void whatIsLeftOfTheRateIsPassedOn() {
    const auto plain =
        answered(httpAnswer(200, "{}", "RateLimit-Limit: 5\r\nRateLimit-Remaining: 0\r\n"));
    CPPUNIT_ASSERT(plain->rateLimit == 5);
    CPPUNIT_ASSERT(plain->rateRemaining == 0);
    const auto draft = answered(
        httpAnswer(200, "{}", "ratelimit-limit: 5, 5;w=1\r\nratelimit-remaining:  3 \r\n"));
    CPPUNIT_ASSERT(draft->rateLimit == 5);
    CPPUNIT_ASSERT(draft->rateRemaining == 3);
  }

  void aRateThatIsNoNumberIsNone() {
    for (const char* text : {"", "many", "-1", "5x", "0.5", "99999999999999999999", "+5"}) {
      const auto answer = answered(httpAnswer(
          200, "{}", "RateLimit-Limit: " + std::string(text) + "\r\nRateLimit-Remaining: 4\r\n"));
      CPPUNIT_ASSERT(answer);
      CPPUNIT_ASSERT_MESSAGE(text, !answer->rateLimit);
      CPPUNIT_ASSERT(answer->rateRemaining == 4);
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PocoTransportTest);

}  // namespace
}  // namespace mbr::activecampaign
