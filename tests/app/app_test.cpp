#include "app/app.h"

#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "app/loopback.h"
#include "passwords/temp_key_ring.h"
#include "support/temp_dir.h"

namespace mbr::app {

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

  config::Config config(bool events, const std::string& socket = "fcgi.sock") const {
    config::Config config = test::loopbackConfig(folder_, keyFile_, socket);
    config.hooks.wanted = events;
    if (events) config.passwordRule.who = members::PasswordRule::Who::kAll;
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
