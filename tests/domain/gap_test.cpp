#include "domain/gap.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>
#include <string_view>

using namespace mbr;

class GapTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GapTest);
  CPPUNIT_TEST(everyStateHasAWordOfItsOwn);
  CPPUNIT_TEST(everyReasonIsAnother);
  CPPUNIT_TEST_SUITE_END();

  void everyStateHasAWordOfItsOwn() {
    const std::set<std::string_view> gaps{toString(GapState::kOpen), toString(GapState::kWorking),
                                          toString(GapState::kClosed)};
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, gaps.size());
    const std::set<std::string_view> sweeps{toString(SweepState::kRunning),
                                            toString(SweepState::kDone),
                                            toString(SweepState::kGivenUp)};
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, sweeps.size());
    CPPUNIT_ASSERT(gaps.count("") == 0 && sweeps.count("") == 0);
  }

  // One gap of a reason is open at a time: two reasons with one name would be mixed up.
  void everyReasonIsAnother() {
    const std::set<std::string_view> reasons{gap_reason::kStart,    gap_reason::kShed,
                                             gap_reason::kStore,    gap_reason::kHook,
                                             gap_reason::kInterval, gap_reason::kFullDue,
                                             gap_reason::kOperator, gap_reason::kOperatorFull};
    CPPUNIT_ASSERT_EQUAL(std::size_t{8}, reasons.size());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(GapTest);
