#include "base/key_value_lines.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace mbr {

class KeyValueLinesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(KeyValueLinesTest);
  CPPUNIT_TEST(aLineIsAKeyAndEverythingBehindTheFirstEqualsSign);
  CPPUNIT_TEST(blankLinesAndCommentsAreSkipped);
  CPPUNIT_TEST(whatIsNoSuchLineIsNamedByItsNumberAndNotQuoted);
  CPPUNIT_TEST(aKeyIsSetOnce);
  CPPUNIT_TEST_SUITE_END();

  void aLineIsAKeyAndEverythingBehindTheFirstEqualsSign() {
    const auto lines = parseKeyValueLines(" a.b_c-1 = x = y # z \r\nempty=\nlast = \xc3\xa9");
    CPPUNIT_ASSERT(lines.problems.empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, lines.entries.size());
    CPPUNIT_ASSERT_EQUAL(std::string("x = y # z"), lines.entries.at("a.b_c-1").value);
    CPPUNIT_ASSERT_EQUAL(std::string(), lines.entries.at("empty").value);
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xa9"), lines.entries.at("last").value);
    CPPUNIT_ASSERT_EQUAL(3, lines.entries.at("last").line);
  }

  void blankLinesAndCommentsAreSkipped() {
    const auto lines = parseKeyValueLines("# a = b\n\n  \t\n  # c\nd = e\n");
    CPPUNIT_ASSERT(lines.problems.empty());
    CPPUNIT_ASSERT_EQUAL(5, lines.entries.at("d").line);
  }

  void whatIsNoSuchLineIsNamedByItsNumberAndNotQuoted() {
    const auto lines = parseKeyValueLines("secret\nSecret = 1\n= 2\na = \xff\nb = \x01\n");
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, lines.problems.size());
    for (std::size_t i = 0; i < lines.problems.size(); ++i) {
      CPPUNIT_ASSERT_EQUAL(static_cast<int>(i) + 1, lines.problems[i].line);
      CPPUNIT_ASSERT(lines.problems[i].text.find("ecret") == std::string::npos);
    }
  }

  void aKeyIsSetOnce() {
    const auto lines = parseKeyValueLines("a = 1\nb = 2\na = 3\n");
    CPPUNIT_ASSERT_EQUAL(std::string("1"), lines.entries.at("a").value);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lines.problems.size());
    CPPUNIT_ASSERT_EQUAL(3, lines.problems.front().line);
    CPPUNIT_ASSERT_EQUAL(std::string("key `a`: set already on line 1, expected once"),
                         lines.problems.front().text);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(KeyValueLinesTest);

}  // namespace mbr
