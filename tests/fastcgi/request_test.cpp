// What reaches the handler, and what it answers on the wire.
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fastcgi/running_server.h"

namespace {

using namespace mbr;
using namespace mbr::test;
using BodyState = http::Request::BodyState;

// Says what it was given.
void echo(const http::Request& request, const http::Reply& reply) {
  const char* const states[] = {"complete", "too-large", "incomplete"};
  std::string text = request.method + " " + request.path + " " +
                     states[static_cast<int>(request.bodyState)] + " " + request.body + "|";
  for (const auto& [name, value] : request.headers) text += name + "=" + value + ";";
  text += request.authorization;
  reply.send(textResponse(200, std::move(text)));
}

FastCgiParams postParams(const std::string& length) {
  return {{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/"}, {"CONTENT_LENGTH", length}};
}

class RequestTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RequestTest);
  CPPUNIT_TEST(aKeptConnectionServesManyRequests);
  CPPUNIT_TEST(aConnectionThatIsNotKeptIsClosed);
  CPPUNIT_TEST(nothingOfARequestSurvivesIntoTheNext);
  CPPUNIT_TEST(manyKeptConnectionsShareTwoThreads);
  CPPUNIT_TEST(aLargeBodyArrivesWhole);
  CPPUNIT_TEST(aRequestInSmallPiecesArrivesWhole);
  CPPUNIT_TEST(aBodyThatIsTooLargeIsReadAway);
  CPPUNIT_TEST(anEndlessBodyCostsTheConnection);
  CPPUNIT_TEST(aBodyShorterThanAnnouncedIsIncomplete);
  CPPUNIT_TEST(aBodyLongerThanAnnouncedIsIncomplete);
  CPPUNIT_TEST(aLengthThatIsNoNumberIsIncomplete);
  CPPUNIT_TEST(aRequestWithoutMethodIs400);
  CPPUNIT_TEST(aRequestThatEndsAfterItsBeginningNeverReachesTheHandler);
  CPPUNIT_TEST(cutParametersNeverReachTheHandler);
  CPPUNIT_TEST(anAbortedRequestIsNotComplete);
  CPPUNIT_TEST(anotherRoleIs400);
  CPPUNIT_TEST(bodiesBeyondTheMemoryBoundAre503);
  CPPUNIT_TEST(headAnd204And304HaveNoBody);
  CPPUNIT_TEST(lineBreaksNeverReachAHeader);
  CPPUNIT_TEST(anExceptionIs500);
  CPPUNIT_TEST(aSilentConnectionHoldsNobodyUp);
  CPPUNIT_TEST_SUITE_END();

  static FastCgiReply echoed(RunningServer& server, const std::string& bytes) {
    FastCgiClient client(server.path());
    client.send(bytes);
    client.endSending();
    return client.receive();
  }

  void aKeptConnectionServesManyRequests() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    for (int i = 0; i < 50; ++i) {
      const std::string body = "body " + std::to_string(i);
      const auto reply = client.request(paramsFor("POST", "/x?y", body.size()), body);
      CPPUNIT_ASSERT(reply.ended);
      CPPUNIT_ASSERT_EQUAL(200, reply.status);
      CPPUNIT_ASSERT_EQUAL("POST /x complete " + body + "|", reply.body);
      CPPUNIT_ASSERT_EQUAL(std::string("text/plain"), reply.headers.at("content-type"));
      CPPUNIT_ASSERT_EQUAL(std::to_string(reply.body.size()), reply.headers.at("content-length"));
    }
  }

  void aConnectionThatIsNotKeptIsClosed() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(200, client.request(paramsFor("GET", "/"), {}, false).status);
    CPPUNIT_ASSERT(client.isClosed());
  }

  void nothingOfARequestSurvivesIntoTheNext() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    auto first = paramsFor("POST", "/first", 6);
    first.emplace_back("HTTP_AUTHORIZATION", "Bearer secret");
    first.emplace_back("HTTP_PREFER", "wait=1");
    CPPUNIT_ASSERT_EQUAL(std::string("POST /first complete secret|prefer=wait=1;Bearer secret"),
                         client.request(first, "secret").body);
    CPPUNIT_ASSERT_EQUAL(std::string("GET  complete |"),
                         client.request({{"REQUEST_METHOD", "GET"}}).body);
    // A refused body, an incomplete one, then a good one.
    CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"),
                         client.request(postParams("3"), "abcdef").body);
    CPPUNIT_ASSERT_EQUAL(std::string("POST / complete xyz|"),
                         client.request(postParams("3"), "xyz").body);
  }

  void manyKeptConnectionsShareTwoThreads() {
    auto options = quickOptions();
    options.threads = 2;
    RunningServer server(echo, options);
    std::vector<std::unique_ptr<FastCgiClient>> clients;
    for (int i = 0; i < 60; ++i) clients.push_back(std::make_unique<FastCgiClient>(server.path()));
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (std::size_t part = 0; part < 4; ++part) {
      threads.emplace_back([&, part] {
        for (int round = 0; round < 10; ++round) {
          for (std::size_t i = part; i < clients.size(); i += 4) {
            const auto reply = clients[i]->request(paramsFor("POST", "/", 2), "ok");
            if (reply.body == "POST / complete ok|") ++good;
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CPPUNIT_ASSERT_EQUAL(600, good.load());
  }

  void aLargeBodyArrivesWhole() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    const std::string body(256 * 1024, 'b');
    const auto reply = client.request(paramsFor("POST", "/", body.size()), body);
    CPPUNIT_ASSERT_EQUAL("POST / complete " + body + "|", reply.body);
  }

  void aRequestInSmallPiecesArrivesWhole() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    for (const char byte : requestBytes(paramsFor("POST", "/", 5), "hello")) {
      CPPUNIT_ASSERT(client.send({&byte, 1}));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("POST / complete hello|"), client.receive().body);
  }

  void aBodyThatIsTooLargeIsReadAway() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    const std::string body(1024 * 1024, 'b');
    CPPUNIT_ASSERT_EQUAL(std::string("POST / too-large |"),
                         client.request(paramsFor("POST", "/", body.size()), body).body);
    CPPUNIT_ASSERT_EQUAL(std::string("GET / complete |"),
                         client.request(paramsFor("GET", "/")).body);
  }

  void anEndlessBodyCostsTheConnection() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    client.send(beginBytes(true) + paramsBytes(postParams("99999999")));
    const std::string record = recordBytes(Record::kStdin, std::string(65535, 'b'));
    int sent = 0;
    while (sent < 1000 && client.send(record)) ++sent;
    CPPUNIT_ASSERT_MESSAGE("the server read on and on", sent < 1000);
  }

  void aBodyShorterThanAnnouncedIsIncomplete() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"),
                         client.request(postParams("999"), "ab").body);
    CPPUNIT_ASSERT_EQUAL(std::string("POST / complete ab|"),
                         client.request(postParams("2"), "ab").body);
    // The sender disappears in the middle of the body.
    const auto cut = echoed(server, beginBytes(true) + paramsBytes(postParams("999")) +
                                        recordBytes(Record::kStdin, "ab"));
    CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"), cut.body);
  }

  void aBodyLongerThanAnnouncedIsIncomplete() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"),
                         client.request(postParams("2"), std::string(100000, 'b')).body);
    CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"),
                         client.request(postParams(""), "unannounced").body);
    CPPUNIT_ASSERT_EQUAL(std::string("POST / complete ab|"),
                         client.request(postParams("2"), "ab").body);
  }

  void aLengthThatIsNoNumberIsIncomplete() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    for (const char* length : {"-1", "2x", "0x2", "18446744073709551616"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("POST / incomplete |"),
                           client.request(postParams(length), "ab").body);
    }
  }

  void aRequestWithoutMethodIs400() {
    RunningServer server(echo);
    FastCgiClient client(server.path());
    const auto reply = client.request({{"REQUEST_URI", "/"}}, "some body");
    CPPUNIT_ASSERT_EQUAL(400, reply.status);
    CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), reply.headers.at("content-type"));
    CPPUNIT_ASSERT(client.isClosed());
  }

  void aRequestThatEndsAfterItsBeginningNeverReachesTheHandler() {
    RunningServer server(echo);
    CPPUNIT_ASSERT(echoed(server, beginBytes(true)).status != 200);
    CPPUNIT_ASSERT(echoed(server, beginBytes(true).substr(0, 5)).status != 200);
  }

  void cutParametersNeverReachTheHandler() {
    RunningServer server(echo);
    const std::string params = paramsBytes(paramsFor("GET", "/"));
    const std::string whole = params.substr(0, params.size() - 8);  // without the empty last record
    CPPUNIT_ASSERT(echoed(server, beginBytes(true) + whole).status != 200);
    CPPUNIT_ASSERT(echoed(server, beginBytes(true) + whole.substr(0, 40)).status != 200);
    // The cut lies between two parameters: libfcgi reports nothing but an error of the stream.
    const std::string one = paramsBytes({{"REQUEST_METHOD", "GET"}});
    CPPUNIT_ASSERT(echoed(server, beginBytes(true) + one.substr(0, one.size() - 8)).status != 200);
  }

  void anAbortedRequestIsNotComplete() {
    RunningServer server(echo);
    const std::string abort = recordBytes(Record::kAbort, {});
    CPPUNIT_ASSERT(echoed(server, beginBytes(true) + abort).status != 200);
    CPPUNIT_ASSERT(
        echoed(server, beginBytes(true) + paramsBytes(paramsFor("GET", "/")).substr(0, 60) + abort)
            .status != 200);
    const auto inBody = echoed(server, beginBytes(true) + paramsBytes(postParams("4")) +
                                           recordBytes(Record::kStdin, "ab") + abort);
    CPPUNIT_ASSERT(inBody.body.find(" complete") == std::string::npos);
  }

  void anotherRoleIs400() {
    RunningServer server(echo);
    const auto reply = echoed(server, beginBytes(true, 2) + paramsBytes(paramsFor("GET", "/")));
    CPPUNIT_ASSERT_EQUAL(400, reply.status);
  }

  void bodiesBeyondTheMemoryBoundAre503() {
    HeldCalls calls;
    auto options = quickOptions();
    options.maxBodiesInMemory = 1000;
    RunningServer server(calls.handler(), options);
    const std::string body(600, 'b');
    FastCgiClient first(server.path());
    FastCgiClient second(server.path());
    first.send(requestBytes(paramsFor("POST", "/", body.size()), body));
    const auto held = calls.take();
    const auto refused = second.request(paramsFor("POST", "/", body.size()), body);
    CPPUNIT_ASSERT_EQUAL(503, refused.status);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), refused.headers.at("retry-after"));
    CPPUNIT_ASSERT(refused.body.find("\"busy\"") != std::string::npos);

    held.reply.send(textResponse(200, "done"));
    CPPUNIT_ASSERT_EQUAL(200, first.receive().status);
    second.send(requestBytes(paramsFor("POST", "/", body.size()), body));
    calls.take().reply.send(textResponse(200, "done"));
    CPPUNIT_ASSERT_EQUAL(200, second.receive().status);
  }

  void headAnd204And304HaveNoBody() {
    RunningServer server([](const http::Request& request, const http::Reply& reply) {
      reply.send(textResponse(request.method == "HEAD" ? 200 : std::stoi(request.query), "text"));
    });
    FastCgiClient client(server.path());
    const auto head = client.request(paramsFor("HEAD", "/"));
    CPPUNIT_ASSERT_EQUAL(std::string("4"), head.headers.at("content-length"));
    CPPUNIT_ASSERT_EQUAL(std::string(), head.body);
    for (const char* status : {"204", "304"}) {
      const auto reply = client.request(paramsFor("GET", std::string("/?") + status));
      CPPUNIT_ASSERT_EQUAL(std::string(status), std::to_string(reply.status));
      CPPUNIT_ASSERT_EQUAL(std::string(), reply.body);
      CPPUNIT_ASSERT(reply.headers.count("content-length") == 0);
    }
  }

  void lineBreaksNeverReachAHeader() {
    RunningServer server([](const http::Request&, const http::Reply& reply) {
      auto response = textResponse(200, "text");
      response.with("X-A\r\nX-Evil", std::string("1\r\nX-Evil: 2\n\0end", 17));
      response.contentType = "text/plain\r\nX-Evil: 3";
      reply.send(std::move(response));
    });
    FastCgiClient client(server.path());
    const auto reply = client.request(paramsFor("GET", "/"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, reply.headers.size());
    CPPUNIT_ASSERT_EQUAL(std::string("1X-Evil: 2end"), reply.headers.at("x-ax-evil"));
    CPPUNIT_ASSERT_EQUAL(std::string("text/plainX-Evil: 3"), reply.headers.at("content-type"));
  }

  void anExceptionIs500() {
    RunningServer server([](const http::Request&, const http::Reply&) {
      throw std::runtime_error("what must not be shown");
    });
    FastCgiClient client(server.path());
    const auto reply = client.request(paramsFor("GET", "/"));
    CPPUNIT_ASSERT_EQUAL(500, reply.status);
    CPPUNIT_ASSERT(reply.raw.find("must not") == std::string::npos);
    CPPUNIT_ASSERT_EQUAL(500, client.request(paramsFor("GET", "/")).status);
  }

  void aSilentConnectionHoldsNobodyUp() {
    auto options = quickOptions();
    options.threads = 1;
    options.socketTimeout = std::chrono::milliseconds{100};
    RunningServer server(echo, options);
    FastCgiClient silent(server.path());
    FastCgiClient halfway(server.path());
    halfway.send(beginBytes(true));
    FastCgiClient client(server.path());
    CPPUNIT_ASSERT_EQUAL(200, client.request(paramsFor("GET", "/")).status);
    CPPUNIT_ASSERT(halfway.receive().status != 200);
    CPPUNIT_ASSERT_EQUAL(200, silent.request(paramsFor("GET", "/")).status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RequestTest);

}  // namespace
