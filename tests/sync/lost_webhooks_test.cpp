#include "sync/lost_webhooks.h"

#include <cppunit/extensions/HelperMacros.h>

#include "support/failing_store.h"
#include "support/fake_clock.h"
#include "support/test_store.h"

namespace mbr::sync {

using namespace std::chrono_literals;

class LostWebhooksTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LostWebhooksTest);
  CPPUNIT_TEST(aLostWebhookOpensAGapOfItsTime);
  CPPUNIT_TEST(withoutOneNothingIsWritten);
  CPPUNIT_TEST(aGapThatCannotBeKeptIsKeptLater);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock_;
  test::TestStore database_{clock_};
  test::FailingStore store_{database_};
  LostWebhooks lost_{store_, clock_};

  std::vector<Gap> gaps() {
    std::vector<Gap> found;
    database_.read([&](store::Reader& reader) { found = reader.listOpenGaps(); });
    return found;
  }

  void aLostWebhookOpensAGapOfItsTime() {
    const Instant first = clock_.now();
    lost_.note();
    clock_.advance(5s);
    lost_.note();
    const Instant last = clock_.now();
    clock_.advance(5s);
    lost_.flush();
    lost_.flush();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, gaps().size());
    CPPUNIT_ASSERT_EQUAL(std::string(gap_reason::kStore), gaps().front().why);
    CPPUNIT_ASSERT(gaps().front().from == first);
    CPPUNIT_ASSERT(gaps().front().to == last);
  }

  void withoutOneNothingIsWritten() {
    store_.failAt(test::FailingStore::Step::kWork);
    lost_.flush();
    CPPUNIT_ASSERT_EQUAL(0, store_.failed());
  }

  void aGapThatCannotBeKeptIsKeptLater() {
    const Instant first = clock_.now();
    lost_.note();
    store_.failAt(test::FailingStore::Step::kWork, 1, 2);
    lost_.flush();
    CPPUNIT_ASSERT(gaps().empty());
    lost_.flush();
    clock_.advance(5s);
    lost_.note();
    lost_.flush();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, gaps().size());
    CPPUNIT_ASSERT(gaps().front().from == first);
    CPPUNIT_ASSERT(gaps().front().to == clock_.now());
  }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LostWebhooksTest);

}  // namespace mbr::sync
