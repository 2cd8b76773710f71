#include "fastcgi/request_head.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "support/fastcgi_client.h"

namespace {

using namespace mbr::test;
using mbr::fastcgi::checkHead;
using mbr::fastcgi::HeadCheck;

std::string head() {
  return beginBytes(true) + paramsBytes({{"REQUEST_METHOD", "GET"},
                                         {"QUERY_STRING", std::string(300, 'q')},
                                         {std::string(200, 'N'), std::string(300, 'v')},
                                         {"EMPTY", ""}});
}

class RequestHeadTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RequestHeadTest);
  CPPUNIT_TEST(aWholeHeadIsWhole);
  CPPUNIT_TEST(whatFollowsIsNotLookedAt);
  CPPUNIT_TEST(everyBeginningIsUnfinished);
  CPPUNIT_TEST(pairsMayBeCutByRecordsAnywhere);
  CPPUNIT_TEST(paddingIsSkipped);
  CPPUNIT_TEST(aLengthBombIsBroken);
  CPPUNIT_TEST(aCutPairIsBroken);
  CPPUNIT_TEST(otherRecordsAreBroken);
  CPPUNIT_TEST_SUITE_END();

  void aWholeHeadIsWhole() {
    CPPUNIT_ASSERT(checkHead(head()) == HeadCheck::kWhole);
    CPPUNIT_ASSERT(checkHead(beginBytes(false) + paramsBytes({})) == HeadCheck::kWhole);
  }

  void whatFollowsIsNotLookedAt() {
    CPPUNIT_ASSERT(checkHead(head() + std::string(100, '\xFF')) == HeadCheck::kWhole);
  }

  void everyBeginningIsUnfinished() {
    const std::string whole = head();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CPPUNIT_ASSERT(checkHead(whole.substr(0, size)) == HeadCheck::kUnfinished);
    }
  }

  void pairsMayBeCutByRecordsAnywhere() {
    const std::string pair("\x80\0\0\4\x80\0\0\2nameva\3\1abcd", 20);
    for (std::size_t cut = 1; cut < pair.size(); ++cut) {
      CPPUNIT_ASSERT(checkHead(beginBytes(true) +
                               recordBytes(Record::kParams, pair.substr(0, cut)) +
                               recordBytes(Record::kParams, pair.substr(cut)) +
                               recordBytes(Record::kParams, {})) == HeadCheck::kWhole);
    }
  }

  void paddingIsSkipped() {
    std::string params = recordBytes(Record::kParams, std::string("\1\1ab"));
    params[6] = 5;
    params += std::string(5, '\xFF');
    CPPUNIT_ASSERT(checkHead(beginBytes(true) + params + recordBytes(Record::kParams, {})) ==
                   HeadCheck::kWhole);
  }

  void aLengthBombIsBroken() {
    for (const auto& bomb :
         {std::string("\xFF\xFF\xFF\xFF\x01", 5), std::string("\x01\xC0\0\0\0", 5),
          std::string("\x80\x01\0\0\x80\x01\0\0", 8)}) {
      CPPUNIT_ASSERT(checkHead(beginBytes(true) + recordBytes(Record::kParams, bomb)) ==
                     HeadCheck::kBroken);
    }
  }

  void aCutPairIsBroken() {
    CPPUNIT_ASSERT(checkHead(beginBytes(true) +
                             recordBytes(Record::kParams, std::string("\4\4name")) +
                             recordBytes(Record::kParams, {})) == HeadCheck::kBroken);
  }

  void otherRecordsAreBroken() {
    const std::string begin = beginBytes(true);
    CPPUNIT_ASSERT(checkHead(paramsBytes({})) == HeadCheck::kBroken);
    CPPUNIT_ASSERT(checkHead(begin + begin) == HeadCheck::kBroken);
    CPPUNIT_ASSERT(checkHead(begin + stdinBytes("x")) == HeadCheck::kBroken);
    CPPUNIT_ASSERT(checkHead(begin + recordBytes(Record::kAbort, {})) == HeadCheck::kBroken);
    std::string otherVersion = begin;
    otherVersion[0] = 2;
    CPPUNIT_ASSERT(checkHead(otherVersion) == HeadCheck::kBroken);
    CPPUNIT_ASSERT(checkHead(recordBytes(Record::kBegin, "short")) == HeadCheck::kBroken);
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RequestHeadTest);

}  // namespace
