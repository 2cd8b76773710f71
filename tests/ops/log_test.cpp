#include "ops/log.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/time_format.h"

namespace {

using namespace mbr;
using ops::LogFormat;
using ops::LogLevel;

// Collects what is written to stderr.
template <class Body>
std::string written(const Body& body) {
  std::FILE* const file = std::tmpfile();
  const int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
  dup2(fileno(file), STDERR_FILENO);
  body();
  dup2(kept, STDERR_FILENO);
  close(kept);
  std::string text(static_cast<std::size_t>(lseek(fileno(file), 0, SEEK_END)), '\0');
  const auto got = pread(fileno(file), text.data(), text.size(), 0);
  std::fclose(file);
  CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(text.size()), got);
  return text;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string timeOf(const std::string& line) {
  const auto parsed = json::parse(line);
  CPPUNIT_ASSERT_MESSAGE(line, parsed.ok());
  return parsed.value()["t"].textOr("");
}

class LogTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LogTest);
  CPPUNIT_TEST(aJsonLineHoldsTimeLevelEventAndFields);
  CPPUNIT_TEST(noValueBreaksALine);
  CPPUNIT_TEST(aTextLineQuotesOnlyWhatNeedsIt);
  CPPUNIT_TEST(levelsBelowTheLeastAreSilent);
  CPPUNIT_TEST(linesOfThreadsDoNotMix);
  CPPUNIT_TEST_SUITE_END();

 public:
  void tearDown() override { ops::configureLog(LogLevel::kInfo, LogFormat::kJson); }

 private:
  void aJsonLineHoldsTimeLevelEventAndFields() {
    const auto text = written([] {
      ops::logWarning("delivery_refused",
                      {{"contact", "42"}, {"status", 403}, {"again", true}, {"size", 7UL}});
    });
    const std::string time = timeOf(text);
    CPPUNIT_ASSERT_EQUAL("{\"t\":\"" + time +
                             "\",\"level\":\"warning\",\"event\":\"delivery_refused\","
                             "\"contact\":\"42\",\"status\":403,\"again\":true,\"size\":7}\n",
                         text);
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, time.size());
    CPPUNIT_ASSERT(parseIso8601(time).has_value());
  }

  void noValueBreaksALine() {
    const auto text = written([] { ops::logError("odd", {{"value", "a\r\nb\"c\\\x01\xFF"}}); });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, linesOf(text).size());
    const auto parsed = json::parse(text);
    CPPUNIT_ASSERT_MESSAGE(text, parsed.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("a\r\nb\"c\\\x01\xEF\xBF\xBD"),
                         parsed.value()["value"].textOr(""));
  }

  void aTextLineQuotesOnlyWhatNeedsIt() {
    ops::configureLog(LogLevel::kInfo, LogFormat::kText);
    const auto text = written([] {
      ops::logInfo("started",
                   {{"version", "0.1.0"}, {"why", "two words"}, {"none", ""}, {"n", -1}});
    });
    CPPUNIT_ASSERT_EQUAL(
        std::string(" info started version=0.1.0 why=\"two words\" none=\"\" n=-1\n"),
        text.substr(text.find(' ')));
  }

  void levelsBelowTheLeastAreSilent() {
    ops::configureLog(LogLevel::kWarning, LogFormat::kJson);
    const auto text = written([] {
      ops::logDebug("a");
      ops::logInfo("b");
      ops::logWarning("c");
      ops::logError("d");
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, linesOf(text).size());
  }

  void linesOfThreadsDoNotMix() {
    const auto text = written([] {
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
          for (int n = 0; n < 200; ++n) ops::logInfo("line", {{"n", n}});
        });
      }
      for (auto& thread : threads) thread.join();
    });
    const auto lines = linesOf(text);
    CPPUNIT_ASSERT_EQUAL(std::size_t{800}, lines.size());
    for (const auto& line : lines) CPPUNIT_ASSERT_MESSAGE(line, json::parse(line).ok());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogTest);

}  // namespace
