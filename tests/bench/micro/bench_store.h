// The real store on a fresh file, with the directories that the subjects need.
#pragma once

#include <memory>
#include <stdexcept>

#include "contacts/directories.h"
#include "micro/subject.h"
#include "store/sql/sql_store.h"
#include "support/temp_dir.h"

namespace mbr::bench {

class BenchStore {
 public:
  BenchStore() {
    store::sql::SqlStore::Options options;
    options.path = folder_.file("membergate.db");
    auto opened = store::sql::SqlStore::open(options, clock_);
    if (!opened) throw std::runtime_error("store: " + opened.error().detail);
    store_ = std::move(opened).value();
    write([](store::Transaction& tx) {
      tx.saveDirectory(store::Directory::kTags, tags());
      tx.saveFields(fields());
      tx.setMeta(contacts::kDirectoriesFetched, "yes");
    });
  }

  store::Store& store() { return *store_; }
  const Clock& clock() const { return clock_; }

  // `count` contacts from kFirstId on.
  void addContacts(int count) {
    write([&](store::Transaction& tx) {
      for (int i = 0; i < count; ++i) tx.saveContact(contact(kFirstId + i));
    });
  }

 private:
  template <class WorkFn>
  void write(WorkFn work) {
    const Outcome outcome = store_->write([&](store::Transaction& tx) -> Outcome {
      work(tx);
      return Done{};
    });
    if (!outcome) throw std::runtime_error("store: " + outcome.error().detail);
  }

  test::TempDir folder_;
  SystemClock clock_;
  std::unique_ptr<store::sql::SqlStore> store_;
};

}  // namespace mbr::bench
