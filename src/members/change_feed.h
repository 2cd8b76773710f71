// The contacts that changed, for sites that follow along.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "store/store.h"

namespace mbr::members {

struct ContactChange {
  std::int64_t id = 0;
  ContactId contact = 0;
  Instant at{};
};

// Thread-safe.
class ChangeFeed {
 public:
  // `store` must outlive the feed.
  explicit ChangeFeed(store::Store& store) : store_(store) {}

  struct Page {
    std::vector<ContactChange> changes;  // each contact once, as it changed last; ids ascending
    std::int64_t last = 0;               // where the next page begins
    bool complete = true;                // nothing lies beyond `last`
    bool resync = false;  // changes after the wanted one are not kept any more, or never were
  };

  // What changed after the change `after`, at most `limit` contacts. A page may be empty and not
  // complete: a bounded number of rows is looked at. With `resync` the page is empty, and `last` is
  // where to go on once all contacts were read. Errors: those of the store.
  Result<Page> read(std::int64_t after, int limit) const;

  // The same of changes that a commit told.
  static Page pageOf(const std::vector<store::Change>& changes, std::int64_t after, int limit);

 private:
  store::Store& store_;
};

}  // namespace mbr::members
