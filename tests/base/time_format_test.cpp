#include "base/time_format.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace mbr;

class TimeFormatTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TimeFormatTest);
  CPPUNIT_TEST(instantsAreWrittenInUtcWithMilliseconds);
  CPPUNIT_TEST(instantsBeforeTheEpochKeepTheirMilliseconds);
  CPPUNIT_TEST(offsetsAreTakenOff);
  CPPUNIT_TEST(fractionsCountToTheMillisecond);
  CPPUNIT_TEST(withoutAnOffsetTheTextSaysNoInstant);
  CPPUNIT_TEST(datesThatDoNotExistAreRefused);
  CPPUNIT_TEST(otherTextIsRefused);
  CPPUNIT_TEST(whatWasWrittenReadsBackTheSame);
  CPPUNIT_TEST_SUITE_END();

  static std::string normalised(std::string_view text) {
    const auto instant = parseIso8601(text);
    return instant ? formatRfc3339(*instant) : "nothing";
  }
  static void reads(const std::string& expected, std::string_view text) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(text), expected, normalised(text));
  }

  void instantsAreWrittenInUtcWithMilliseconds() {
    CPPUNIT_ASSERT_EQUAL(std::string("1970-01-01T00:00:00.000Z"), formatRfc3339(fromEpochMs(0)));
    CPPUNIT_ASSERT_EQUAL(std::string("2023-11-14T22:13:20.007Z"),
                         formatRfc3339(fromEpochMs(1700000000007)));
  }

  void instantsBeforeTheEpochKeepTheirMilliseconds() {
    CPPUNIT_ASSERT_EQUAL(std::string("1969-12-31T23:59:59.999Z"), formatRfc3339(fromEpochMs(-1)));
    CPPUNIT_ASSERT_EQUAL(std::string("1969-12-31T23:59:59.000Z"),
                         formatRfc3339(fromEpochMs(-1000)));
  }

  void offsetsAreTakenOff() {
    reads("2021-03-23T11:04:43.000Z", "2021-03-23T06:04:43-05:00");
    reads("2021-03-23T11:04:43.000Z", "2021-03-23T06:04:43-0500");
    reads("2021-03-23T06:04:43.000Z", "2021-03-23T06:04:43Z");
    reads("2021-03-23T06:04:43.000Z", "2021-03-23 06:04:43z");
    reads("2020-12-31T20:30:00.000Z", "2021-01-01T02:00:00+05:30");
    reads("1969-12-31T23:00:00.000Z", "1970-01-01T00:00:00+01:00");
  }

  void fractionsCountToTheMillisecond() {
    reads("2021-03-23T06:04:43.500Z", "2021-03-23T06:04:43.5Z");
    reads("2021-03-23T06:04:43.123Z", "2021-03-23T06:04:43.123999Z");
    reads("2021-03-23T06:04:43.007Z", "2021-03-23T06:04:43,007+00:00");
    reads("nothing", "2021-03-23T06:04:43.Z");
  }

  void withoutAnOffsetTheTextSaysNoInstant() {
    reads("nothing", "2021-03-23T06:04:43");
    reads("nothing", "2021-03-23 06:04:43");
    reads("nothing", "2021-03-23");
  }

  void datesThatDoNotExistAreRefused() {
    for (const char* text : {"2021-02-29T00:00:00Z", "2021-02-31T00:00:00Z", "2021-04-31T00:00:00Z",
                             "2021-00-10T00:00:00Z", "2021-13-10T00:00:00Z", "2021-01-00T00:00:00Z",
                             "2021-01-32T00:00:00Z", "2021-01-01T24:00:00Z", "2021-01-01T00:60:00Z",
                             "2021-01-01T00:00:61Z", "0000-00-00T00:00:00Z",
                             "2021-01-01T00:00:00+24:00", "2021-01-01T00:00:00+01:60"}) {
      reads("nothing", text);
    }
    reads("2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00Z");
    reads("2017-01-01T00:00:00.000Z", "2016-12-31T23:59:60Z");  // a leap second
  }

  void otherTextIsRefused() {
    for (const char* text :
         {"", "now", "1700000000", "2021-3-23T06:04:43Z", "2021-03-23T06:04Z",
          "2021-03-23T06:04:43Zx", " 2021-03-23T06:04:43Z", "2021/03/23T06:04:43Z",
          "2021-03-23T06:04:43+5", "-021-03-23T06:04:43Z"}) {
      reads("nothing", text);
    }
  }

  void whatWasWrittenReadsBackTheSame() {
    for (const std::int64_t ms : {0LL, 1LL, 951782399999LL, 1700000000123LL, 4102444800000LL}) {
      CPPUNIT_ASSERT(parseIso8601(formatRfc3339(fromEpochMs(ms))) == fromEpochMs(ms));
    }
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TimeFormatTest);
