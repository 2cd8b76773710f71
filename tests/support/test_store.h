// The real store on a fresh file, for tests of any room. Link mbr_store_sql.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "store/sql/sql_store.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace mbr::test {

class TestStore {
 public:
  // With a clock of its own, or with one that outlives it.
  TestStore() : TestStore(nullptr) {}
  explicit TestStore(const Clock& clock) : TestStore(&clock) {}

  store::Store& store() { return *store_; }
  operator store::Store&() { return *store_; }  // NOLINT: by intent
  FakeClock& clock() { return clock_; }         // the one of its own
  std::string path() const { return dir_.file("membergate.db"); }
  RightOfWay& loginsFirst() { return loginsFirst_; }  // for longer than a test may take

  // Runs `work`, which returns nothing, in one commit; throws if that fails.
  template <class WorkFn>
  void write(WorkFn work) {
    require(store_->write([&](store::Transaction& tx) -> Outcome {
      work(tx);
      return Done{};
    }));
  }
  template <class WorkFn>
  void read(WorkFn work) {
    require(store_->read([&](store::Reader& reader) -> Outcome {
      work(reader);
      return Done{};
    }));
  }

  // Closes the store and opens the same file again.
  void reopen() {
    store_.reset();
    open();
  }

 private:
  explicit TestStore(const Clock* clock) : used_(clock != nullptr ? *clock : clock_) { open(); }

  static void require(const Outcome& outcome) {
    if (!outcome) throw std::runtime_error("store: " + outcome.error().detail);
  }

  void open() {
    store::sql::SqlStore::Options options;
    options.path = path();
    options.watchInterval = Milliseconds{50};
    options.loginsFirst = &loginsFirst_;
    auto opened = store::sql::SqlStore::open(options, used_);
    if (!opened) throw std::runtime_error("store: " + opened.error().detail);
    store_ = std::move(opened).value();
  }

  TempDir dir_;
  RightOfWay loginsFirst_{std::chrono::minutes{10}};
  FakeClock clock_;
  const Clock& used_;
  std::unique_ptr<store::sql::SqlStore> store_;
};

}  // namespace mbr::test
