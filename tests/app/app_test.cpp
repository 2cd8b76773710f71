#include "app/app.h"

#include <arpa/inet.h>
#include <cppunit/extensions/HelperMacros.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "passwords/temp_key_ring.h"
#include "support/temp_dir.h"

namespace mbr::app {

namespace {

// A loopback port that nobody listens on.
std::uint16_t closedPort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  CPPUNIT_ASSERT(bound);
  return ntohs(address.sin_port);
}

}  // namespace

// The whole service, with an ActiveCampaign that does not answer.
class AppTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AppTest);
  CPPUNIT_TEST(itStartsAndStopsWithoutAnEventHook);
  CPPUNIT_TEST(itStartsAndStopsWithAnEventHook);
  CPPUNIT_TEST(stopMayBeRepeated);
  CPPUNIT_TEST(whoeverIsNotStartedStopsToo);
  CPPUNIT_TEST(itStartsAgainOnTheSameFiles);
  CPPUNIT_TEST(twoRunOnTheSameFiles);
  CPPUNIT_TEST(aSocketThatCannotBeMadeStopsTheStart);
  CPPUNIT_TEST_SUITE_END();

  const test::TempDir folder_;
  const std::string keyFile_ = test::writeKeyFile(folder_, "master.key", test::keyLine("k1", '1'));
  const std::uint16_t port_ = closedPort();

  config::Config config(bool events, const std::string& socket = "fcgi.sock") const {
    config::Config config;
    config.server.socketPath = folder_.file(socket);
    config.storePath = folder_.file("membergate.db");
    config.masterKeyFile = keyFile_;
    config.activecampaign.url = {false, "127.0.0.1", port_};
    config.activecampaign.key = Secret("key");
    config.activecampaign.rate = 100;
    config.passwordField = "PASSWORD";
    config.hiddenFields = {"PASSWORD"};
    config.hooks.wanted = events;
    config.hooks.publicUrl = "https://example.com";
    if (events) config.passwordRule.who = members::PasswordRule::Who::kAll;
    config.shedSocket = folder_.file("shed-" + socket);
    config.logLevel = ops::LogLevel::kError;
    return config;
  }

  // Fails rather than hangs, though a thread that does hang is then waited for.
  template <class WorkFn>
  static void inTime(WorkFn work) {
    auto done = std::async(std::launch::async, work);
    CPPUNIT_ASSERT_MESSAGE("it hangs",
                           done.wait_for(std::chrono::seconds{30}) == std::future_status::ready);
    done.get();
  }

  void startAndStop(bool events) const {
    inTime([&] {
      App app(config(events));
      app.start();
      CPPUNIT_ASSERT(std::filesystem::exists(folder_.file("fcgi.sock")));
      app.stop();
    });
  }

  void itStartsAndStopsWithoutAnEventHook() { startAndStop(false); }
  void itStartsAndStopsWithAnEventHook() { startAndStop(true); }

  void stopMayBeRepeated() {
    inTime([&] {
      App app(config(true));
      app.start();
      app.stop();
      app.stop();
    });
  }

  void whoeverIsNotStartedStopsToo() {
    inTime([&] { const App app(config(true)); });
    inTime([&] {
      App app(config(false));
      app.stop();
    });
  }

  void itStartsAgainOnTheSameFiles() {
    startAndStop(true);
    startAndStop(false);
    startAndStop(true);
  }

  void twoRunOnTheSameFiles() {
    inTime([&] {
      App first(config(true));
      first.start();
      App second(config(true, "second.sock"));
      second.start();
      first.stop();
      second.stop();
    });
  }

  void aSocketThatCannotBeMadeStopsTheStart() {
    inTime([&] {
      App app(config(true, "none/fcgi.sock"));
      try {
        app.start();
        CPPUNIT_FAIL("it started");
      } catch (const StartError& error) {
        CPPUNIT_ASSERT_EQUAL(69, error.exitCode());
      }
    });
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(AppTest);

}  // namespace mbr::app
