#include "members/hook_coverage.h"

#include <cppunit/extensions/HelperMacros.h>

#include "support/fake_clock.h"

namespace mbr::members {

using namespace std::chrono_literals;

class HookCoverageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HookCoverageTest);
  CPPUNIT_TEST(aContactIsCoveredWhileNothingCanHaveBeenMissed);
  CPPUNIT_TEST(withoutAHookNothingIsCovered);
  CPPUNIT_TEST(beforeTheGapsAreKnownNothingIsCovered);
  CPPUNIT_TEST(anOpenGapCoversNothing);
  CPPUNIT_TEST(aContactMustHaveBeenPulledSinceTheLastGapOpened);
  CPPUNIT_TEST(theNewestGapCountsAlone);
  CPPUNIT_TEST(anUnconfirmedContactIsNotCovered);
  CPPUNIT_TEST(aContactThatNoPullHasShownIsNotCovered);
  CPPUNIT_TEST(withoutNewsNothingIsCovered);
  CPPUNIT_TEST(newsAreGoodForTenMinutes);
  CPPUNIT_TEST(olderNewsDoNotTakeTheNewerAway);
  CPPUNIT_TEST(newsOfBeforeTheClockWasSetBackSayNothing);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  HookCoverage coverage_{true, clock_};

  Contact pulled(Milliseconds ago = 1h) const {
    Contact contact;
    contact.confirmed = true;
    contact.pulledAt = clock_.now() - ago;
    return contact;
  }
  void allIsWell() {
    coverage_.setGaps(false, std::nullopt);
    coverage_.noteNews(clock_.now());
  }

  void aContactIsCoveredWhileNothingCanHaveBeenMissed() {
    allIsWell();
    CPPUNIT_ASSERT(coverage_.covers(pulled(1ms)));
    CPPUNIT_ASSERT(coverage_.covers(pulled(30 * 24h)));
  }

  void withoutAHookNothingIsCovered() {
    HookCoverage off(false, clock_);
    off.setGaps(false, std::nullopt);
    off.noteNews(clock_.now());
    CPPUNIT_ASSERT(!off.covers(pulled()));
  }

  void beforeTheGapsAreKnownNothingIsCovered() {
    coverage_.noteNews(clock_.now());
    CPPUNIT_ASSERT(!coverage_.covers(pulled()));
  }

  void anOpenGapCoversNothing() {
    allIsWell();
    coverage_.setGaps(true, clock_.now() - 2h);
    CPPUNIT_ASSERT(!coverage_.covers(pulled(1h)));
    coverage_.setGaps(false, clock_.now() - 2h);
    CPPUNIT_ASSERT(coverage_.covers(pulled(1h)));
  }

  void aContactMustHaveBeenPulledSinceTheLastGapOpened() {
    allIsWell();
    coverage_.setGaps(false, clock_.now() - 1h);
    CPPUNIT_ASSERT(!coverage_.covers(pulled(2h)));
    CPPUNIT_ASSERT(!coverage_.covers(pulled(1h)));
    CPPUNIT_ASSERT(coverage_.covers(pulled(1h - 1ms)));
  }

  void theNewestGapCountsAlone() {
    allIsWell();
    coverage_.setGaps(false, clock_.now() - 1h);
    coverage_.setGaps(false, clock_.now() - 3h);
    CPPUNIT_ASSERT(coverage_.covers(pulled(2h)));
    coverage_.setGaps(false, std::nullopt);
    CPPUNIT_ASSERT(coverage_.covers(pulled(4h)));
  }

  void anUnconfirmedContactIsNotCovered() {
    allIsWell();
    Contact contact = pulled();
    contact.confirmed = false;
    CPPUNIT_ASSERT(!coverage_.covers(contact));
  }

  void aContactThatNoPullHasShownIsNotCovered() {
    allIsWell();
    Contact contact = pulled();
    contact.pulledAt.reset();
    CPPUNIT_ASSERT(!coverage_.covers(contact));
  }

  void withoutNewsNothingIsCovered() {
    coverage_.setGaps(false, std::nullopt);
    CPPUNIT_ASSERT(!coverage_.covers(pulled()));
  }

  void newsAreGoodForTenMinutes() {
    allIsWell();
    clock_.advance(10min - 1ms);
    CPPUNIT_ASSERT(coverage_.covers(pulled()));
    clock_.advance(1ms);
    CPPUNIT_ASSERT(!coverage_.covers(pulled()));
    coverage_.noteNews(clock_.now());
    CPPUNIT_ASSERT(coverage_.covers(pulled()));
  }

  void olderNewsDoNotTakeTheNewerAway() {
    allIsWell();
    coverage_.noteNews(clock_.now() - 1h);
    CPPUNIT_ASSERT(coverage_.covers(pulled()));
  }

  void newsOfBeforeTheClockWasSetBackSayNothing() {
    allIsWell();
    clock_.advance(-1h);
    CPPUNIT_ASSERT(!coverage_.covers(pulled()));
    coverage_.noteNews(clock_.now());
    CPPUNIT_ASSERT(coverage_.covers(pulled()));
    clock_.advance(10min);
    CPPUNIT_ASSERT(!coverage_.covers(pulled()));
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HookCoverageTest);

}  // namespace mbr::members
