#include <Poco/Net/Context.h>
#include <Poco/Net/SecureServerSocket.h>
#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>

#include "activecampaign/poco_transport.h"
#include "activecampaign/tcp_peer.h"
#include "support/temp_dir.h"

namespace mbr::activecampaign {
namespace {

using namespace std::chrono_literals;
using test::httpAnswer;
using test::TcpPeer;
using Connection = TcpPeer::Connection;

// An authority of the test's own, and a certificate of it for "localhost".
class Certificates {
 public:
  Certificates() {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -subj '/CN=Test Authority' -keyout ca.key -out ca.pem");
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -subj '/CN=localhost' -keyout server.key -out server.csr");
    run("printf 'subjectAltName=DNS:localhost' > san.txt");
    run("openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        " -extfile san.txt -out server.pem");
  }
  std::string file(const std::string& name) const { return dir_.file(name); }

 private:
  void run(const std::string& command) {
    const std::string line = "cd '" + dir_.path() + "' && " + command + " 2>/dev/null";
    if (std::system(line.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  test::TempDir dir_;
};

const Certificates& certificates() {
  static const Certificates kMade;
  return kMade;
}

Poco::Net::ServerSocket secureListener() {
  using Poco::Net::Context;
  Context::Ptr context = new Context(Context::TLS_SERVER_USE, certificates().file("server.key"),
                                     certificates().file("server.pem"), "", Context::VERIFY_NONE);
  return Poco::Net::SecureServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0), 16, context);
}

class TlsTransportTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TlsTransportTest);
  CPPUNIT_TEST(anAuthorityFromAFileIsTrusted);
  CPPUNIT_TEST(aConnectionIsKept);
  CPPUNIT_TEST(anUnknownAuthorityIsRefusedAndNothingIsSent);
  CPPUNIT_TEST(aCertificateForAnotherHostIsRefused);
  CPPUNIT_TEST(anAnswerCutShortIsAnError);
  CPPUNIT_TEST(aHandshakeWithoutAnAnswerIsCutOff);
  CPPUNIT_TEST(aRecordThatDripsIsCutOff);
  CPPUNIT_TEST(aFileWithoutAuthoritiesIsRefusedAtTheStart);
  CPPUNIT_TEST_SUITE_END();

  int tokens = 0;
  std::unique_ptr<PocoNetwork> network;
  std::unique_ptr<Transport> transport;

  void connectTo(const TcpPeer& peer, const std::string& host, const std::string& caFile) {
    Options options;
    options.url = parseBaseUrl("https://" + host + ":" + std::to_string(peer.port())).value();
    options.key = Secret("test-key");
    options.timeout = 2s;
    options.caFile = caFile;
    network = PocoNetwork::open(options).value();
    transport = network->newTransport();
  }

 public:
  void tearDown() override {
    transport.reset();
    network.reset();
  }

 private:
  Result<HttpAnswer> send() {
    HttpCall call;
    call.method = "GET";
    call.path = "users/me";
    call.deadline = std::chrono::steady_clock::now() + 20s;
    call.takeToken = [this]() -> Result<Instant> {
      ++tokens;
      return Instant{};
    };
    return transport->send(call);
  }

  static void answerAll(Connection& connection, int) {
    while (!connection.readRequest().empty()) connection.write(httpAnswer(200, "{}"));
  }

  void assertRefused(const TcpPeer& peer) {
    const auto answer = send();
    CPPUNIT_ASSERT(!answer);
    CPPUNIT_ASSERT(answer.error().code == Code::kUnavailable);
    CPPUNIT_ASSERT_EQUAL(std::string("tls:"), answer.error().detail.substr(0, 4));
    CPPUNIT_ASSERT_EQUAL(0, tokens);
    CPPUNIT_ASSERT(peer.requests().empty());
  }

  void anAuthorityFromAFileIsTrusted() {
    TcpPeer peer(answerAll, secureListener());
    connectTo(peer, "localhost", certificates().file("ca.pem"));
    const auto answer = send();
    CPPUNIT_ASSERT(answer);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), answer->body);
  }

  void aConnectionIsKept() {
    TcpPeer peer(answerAll, secureListener());
    connectTo(peer, "localhost", certificates().file("ca.pem"));
    for (int i = 0; i < 4; ++i) CPPUNIT_ASSERT(send());
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void anUnknownAuthorityIsRefusedAndNothingIsSent() {
    TcpPeer peer(answerAll, secureListener());
    connectTo(peer, "localhost", "");
    assertRefused(peer);
  }

  void aCertificateForAnotherHostIsRefused() {
    TcpPeer peer(answerAll, secureListener());
    connectTo(peer, "127.0.0.1", certificates().file("ca.pem"));
    assertRefused(peer);
  }

  void anAnswerCutShortIsAnError() {
    TcpPeer peer(
        [](Connection& connection, int) {
          connection.readRequest();
          connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"user\":{}");
          connection.reset();
        },
        secureListener());
    connectTo(peer, "localhost", certificates().file("ca.pem"));
    const auto answer = send();
    CPPUNIT_ASSERT(!answer);
    CPPUNIT_ASSERT(answer.error().code == Code::kUnavailable);
  }

  void assertCutOff(const TcpPeer::Handler& handler) {
    TcpPeer peer(handler);
    connectTo(peer, "localhost", certificates().file("ca.pem"));
    const auto start = std::chrono::steady_clock::now();
    const auto answer = send();
    CPPUNIT_ASSERT(!answer);
    CPPUNIT_ASSERT_EQUAL(std::string("timeout"), answer.error().detail.substr(0, 7));
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - start < 10s);
    CPPUNIT_ASSERT_EQUAL(0, tokens);
  }

  void aHandshakeWithoutAnAnswerIsCutOff() {
    assertCutOff([](Connection& connection, int) { connection.hold(); });
  }

  // A record header that promises 16 KB, and then a byte now and then.
  void aRecordThatDripsIsCutOff() {
    const std::string hello = std::string("\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", 9);
    assertCutOff([&](Connection& connection, int) {
      connection.swallow();
      connection.drip(hello + std::string(5000, '\x03'));
    });
  }

  void aFileWithoutAuthoritiesIsRefusedAtTheStart() {
    Options options;
    options.url = parseBaseUrl("https://localhost").value();
    options.key = Secret("test-key");
    options.caFile = certificates().file("san.txt");
    CPPUNIT_ASSERT(PocoNetwork::open(options).error().code == Code::kInvalid);
    options.caFile = certificates().file("missing.pem");
    CPPUNIT_ASSERT(PocoNetwork::open(options).error().code == Code::kInvalid);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TlsTransportTest);

}  // namespace
}  // namespace mbr::activecampaign
