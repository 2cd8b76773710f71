#include "config/values.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;
using namespace mbr::config;
using namespace std::chrono_literals;

class ValuesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ValuesTest);
  CPPUNIT_TEST(aDurationIsAWholeNumberAndAUnit);
  CPPUNIT_TEST(otherTextIsNoDuration);
  CPPUNIT_TEST(aSizeTellsPowersOf1000FromPowersOf1024);
  CPPUNIT_TEST(otherTextIsNoSize);
  CPPUNIT_TEST(aRateIsANumberASecond);
  CPPUNIT_TEST(otherTextIsNoRate);
  CPPUNIT_TEST(whatIsFormattedReadsBackTheSame);
  CPPUNIT_TEST(listsDropBlanksAndEmptyItems);
  CPPUNIT_TEST(personalizationTagsBecomeUpperCase);
  CPPUNIT_TEST(theEditDistanceCountsLetters);
  CPPUNIT_TEST_SUITE_END();

  void aDurationIsAWholeNumberAndAUnit() {
    CPPUNIT_ASSERT(parseDuration("500ms") == 500ms);
    CPPUNIT_ASSERT(parseDuration("10s") == 10s);
    CPPUNIT_ASSERT(parseDuration("5m") == 5min);
    CPPUNIT_ASSERT(parseDuration("24h") == 24h);
    CPPUNIT_ASSERT(parseDuration("7d") == 168h);
    CPPUNIT_ASSERT(parseDuration("0s") == 0ms);
    CPPUNIT_ASSERT(parseDuration("999999999d") == 24h * 999999999LL);
  }

  void otherTextIsNoDuration() {
    for (const char* text :
         {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5S", "5M", "5min", "5ss",
          "5s10ms", "1000000000s", "99999999999999999999s", "x"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseDuration(text));
    }
  }

  void aSizeTellsPowersOf1000FromPowersOf1024() {
    CPPUNIT_ASSERT(parseSize("64MB") == std::uint64_t{64'000'000});
    CPPUNIT_ASSERT(parseSize("256KiB") == std::uint64_t{262'144});
    CPPUNIT_ASSERT(parseSize("1GiB") == std::uint64_t{1} << 30);
    CPPUNIT_ASSERT(parseSize("2GB") == std::uint64_t{2'000'000'000});
    CPPUNIT_ASSERT(parseSize("1KB") == std::uint64_t{1000});
    CPPUNIT_ASSERT(parseSize("1MiB") == std::uint64_t{1'048'576});
    CPPUNIT_ASSERT(parseSize("17B") == std::uint64_t{17});
  }

  void otherTextIsNoSize() {
    for (const char* text : {"", "64", "64M", "64mb", "64 MB", "MB", "-1MB", "0.5MB", "64MBs"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseSize(text));
    }
  }

  void aRateIsANumberASecond() {
    CPPUNIT_ASSERT(parseRate("4/s") == 4.0);
    CPPUNIT_ASSERT(parseRate("100") == 100.0);
    CPPUNIT_ASSERT(parseRate("0.5/s") == 0.5);
    CPPUNIT_ASSERT(parseRate("12.25") == 12.25);
  }

  void otherTextIsNoRate() {
    for (const char* text : {"", "/s", "4/m", "4 /s", "4/ s", "-4/s", "+4", ".5", "5.", "1.2.3",
                             "1e3", "0x4", "inf", "nan", "1000000000"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parseRate(text));
    }
  }

  void whatIsFormattedReadsBackTheSame() {
    for (const char* text : {"500ms", "1500ms", "10s", "5m", "90m", "12h", "30d", "0s"}) {
      CPPUNIT_ASSERT_EQUAL(std::string(text), formatDuration(*parseDuration(text)));
    }
    CPPUNIT_ASSERT_EQUAL(std::string("1m"), formatDuration(60s));
    for (const char* text : {"64MB", "256KiB", "8MiB", "64GB", "17B", "4KiB"}) {
      CPPUNIT_ASSERT_EQUAL(std::string(text), formatSize(*parseSize(text)));
    }
  }

  void listsDropBlanksAndEmptyItems() {
    using List = std::vector<std::string>;
    CPPUNIT_ASSERT(parseList("12, Gold Member ,,x") == List({"12", "Gold Member", "x"}));
    CPPUNIT_ASSERT(parseList(" , ") == List());
    CPPUNIT_ASSERT(parseList("") == List());
  }

  void personalizationTagsBecomeUpperCase() {
    CPPUNIT_ASSERT(parsePerstag("Pass_2") == std::string("PASS_2"));
    for (const char* text : {"", "%PASSWORD%", "A B", "A-B", "\xC3\x84"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !parsePerstag(text));
    }
    CPPUNIT_ASSERT(!parsePerstag(std::string(101, 'A')));
  }

  void theEditDistanceCountsLetters() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, editDistance("abc", "abc"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, editDistance("", "abc"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, editDistance("abc", ""));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, editDistance("kitten", "sitting"));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ValuesTest);
