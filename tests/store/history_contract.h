// What every backend of the store must do for series of numbers over time. Registered as
// StoreContractTest is.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>
#include <vector>

#include "store/store.h"

namespace mbr::test {

template <class Backend>
class HistoryContractTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HistoryContractTest);
  CPPUNIT_TEST(aSeriesComesBackInOrderAndAlone);
  CPPUNIT_TEST(aRowOfTheSameInstantIsReplaced);
  CPPUNIT_TEST(theNewestRowNotAfterAnInstantIsFound);
  CPPUNIT_TEST(ofEachStepTheLastRowIsRead);
  CPPUNIT_TEST(thinningLeavesTheLastRowOfEachStep);
  CPPUNIT_TEST(thinningTouchesItsSpanAlone);
  CPPUNIT_TEST(pruningTakesWhatIsOlder);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { backend_ = std::make_unique<Backend>(); }
  void tearDown() override { backend_.reset(); }

 private:
  using Tx = store::Transaction;

  static constexpr std::chrono::minutes kMinute{1};
  static constexpr std::chrono::minutes kSlot{15};

  static Instant at(int minute) { return Instant{kMinute * minute}; }

  void add(const std::string& series, const std::vector<int>& minutes) {
    std::vector<store::HistoryRow> rows;
    for (const int minute : minutes) rows.push_back({series, at(minute), minute + 0.5});
    backend_->write([&](Tx& tx) { tx.addHistory(rows); });
  }
  // The minutes of the rows, which must hold the values that add() gave them.
  std::vector<int> minutes(const std::string& series, int since = 0, Milliseconds step = kMinute) {
    std::vector<store::HistoryRow> rows;
    backend_->read(
        [&](store::Reader& reader) { rows = reader.readHistory(series, at(since), step); });
    std::vector<int> found;
    for (const auto& row : rows) {
      CPPUNIT_ASSERT_EQUAL(series, row.series);
      found.push_back(static_cast<int>(row.at.time_since_epoch() / kMinute));
      CPPUNIT_ASSERT_EQUAL(found.back() + 0.5, row.value);
    }
    return found;
  }
  std::optional<store::HistoryRow> found(const std::string& series, int minute) {
    std::optional<store::HistoryRow> row;
    backend_->read([&](store::Reader& reader) { row = reader.findHistory(series, at(minute)); });
    return row;
  }

  void aSeriesComesBackInOrderAndAlone() {
    add("b", {3, 1, 2});
    add("a", {1});
    add("c", {9});
    CPPUNIT_ASSERT((minutes("b") == std::vector<int>{1, 2, 3}));
    CPPUNIT_ASSERT((minutes("b", 2) == std::vector<int>{2, 3}));
    CPPUNIT_ASSERT(minutes("d").empty());
  }

  void aRowOfTheSameInstantIsReplaced() {
    add("a", {1});
    backend_->write([](Tx& tx) { tx.addHistory({{"a", at(1), -7.25}}); });
    CPPUNIT_ASSERT_EQUAL(-7.25, found("a", 1)->value);
    CPPUNIT_ASSERT(!found("a", 0));
  }

  void theNewestRowNotAfterAnInstantIsFound() {
    add("a", {1, 5});
    add("b", {4});
    CPPUNIT_ASSERT(found("a", 4)->at == at(1));
    CPPUNIT_ASSERT(found("a", 5)->at == at(5));
    CPPUNIT_ASSERT(found("a", 500)->at == at(5));
    CPPUNIT_ASSERT(!found("a", 0));
    CPPUNIT_ASSERT(!found("c", 500));
  }

  void ofEachStepTheLastRowIsRead() {
    add("a", {0, 7, 14, 15, 29, 31, 60});
    CPPUNIT_ASSERT((minutes("a", 0, kSlot) == std::vector<int>{14, 29, 31, 60}));
    CPPUNIT_ASSERT((minutes("a", 15, kSlot) == std::vector<int>{29, 31, 60}));
  }

  void thinningLeavesTheLastRowOfEachStep() {
    add("a", {0, 7, 14, 15, 29, 31, 60});
    add("b", {3, 4});
    backend_->write([](Tx& tx) { tx.thinHistory(at(0), at(60), kSlot); });
    CPPUNIT_ASSERT((minutes("a") == std::vector<int>{14, 29, 31, 60}));
    CPPUNIT_ASSERT((minutes("b") == std::vector<int>{4}));
    backend_->write([](Tx& tx) { tx.thinHistory(at(0), at(60), kSlot); });
    CPPUNIT_ASSERT((minutes("a") == std::vector<int>{14, 29, 31, 60}));
  }

  void thinningTouchesItsSpanAlone() {
    add("a", {1, 2, 16, 17, 31, 32});
    backend_->write([](Tx& tx) { tx.thinHistory(at(15), at(30), kSlot); });
    CPPUNIT_ASSERT((minutes("a") == std::vector<int>{1, 2, 17, 31, 32}));
  }

  void pruningTakesWhatIsOlder() {
    add("a", {1, 2, 3});
    add("b", {1});
    backend_->write([](Tx& tx) { tx.pruneHistory(at(2)); });
    CPPUNIT_ASSERT((minutes("a") == std::vector<int>{2, 3}));
    CPPUNIT_ASSERT(minutes("b").empty());
    backend_->write([](Tx& tx) { tx.pruneHistory(at(9)); });
    CPPUNIT_ASSERT(minutes("a").empty());
  }

  std::unique_ptr<Backend> backend_;
};

}  // namespace mbr::test
