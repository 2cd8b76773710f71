// Ten thousand broken byte streams; whatever they are, only whole requests are complete.
#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <random>
#include <string>

#include "fastcgi/running_server.h"

namespace {

using namespace mbr;
using namespace mbr::test;

constexpr int kStreams = 10000;
const std::string kBody = "contact[id]=42&contact[email]=someone%40example.org";

std::string wholeStream() {
  auto params = paramsFor("POST", "/?mbr_genpass=code", kBody.size());
  params.emplace_back("HTTP_USER_AGENT", std::string(200, 'u'));  // a length of four bytes
  return requestBytes(params, kBody);
}

class Mutator {
 public:
  std::string mutate(std::string stream) {
    for (auto changes = 1 + pick(3); changes > 0; --changes) change(stream);
    return stream;
  }

 private:
  std::size_t pick(std::size_t bound) { return engine_() % bound; }

  void change(std::string& stream) {
    if (stream.empty()) return;
    const auto at = pick(stream.size());
    switch (pick(6)) {
      case 0:
        stream[at] = static_cast<char>(pick(256));
        break;
      case 1:
        stream[at] = static_cast<char>(stream[at] ^ (1 << pick(8)));
        break;
      case 2:
        stream.resize(at);
        break;
      case 3:
        stream.erase(at, 1 + pick(16));
        break;
      case 4:
        stream.insert(at, std::string(1 + pick(16), static_cast<char>(pick(256))));
        break;
      default:
        stream.insert(at, stream.substr(pick(stream.size()), pick(64)));
        break;
    }
  }

  std::mt19937 engine_{20260131};
};

class MutatedStreamTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MutatedStreamTest);
  CPPUNIT_TEST(theServerSurvivesAndTakesNoBodyForMoreThanItIs);
  CPPUNIT_TEST_SUITE_END();

  void theServerSurvivesAndTakesNoBodyForMoreThanItIs() {
    std::atomic<int> complete{0};
    std::atomic<int> otherLength{0};
    RunningServer server([&](const http::Request& request, const http::Reply& reply) {
      if (request.bodyState == http::Request::BodyState::kComplete) {
        ++complete;
      } else if (!request.body.empty()) {
        ++otherLength;  // a body that is not whole is not shown
      }
      reply.send(textResponse(200, "ok"));
    });
    Mutator mutator;
    const std::string whole = wholeStream();
    for (int i = 0; i < kStreams; ++i) {
      FastCgiClient client(server.path());
      client.send(mutator.mutate(whole));
      client.endSending();
      client.receive();
    }
    CPPUNIT_ASSERT_EQUAL(0, otherLength.load());
    CPPUNIT_ASSERT(complete < kStreams);

    FastCgiClient client(server.path());
    client.send(whole);
    CPPUNIT_ASSERT_EQUAL(200, client.receive().status);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MutatedStreamTest);

}  // namespace
