#include "members/change_feed.h"

#include <algorithm>
#include <unordered_map>

namespace mbr::members {
namespace {

// Takes a few milliseconds of a fast worker.
constexpr int kRowsAtOnce = 10000;

}  // namespace

Result<ChangeFeed::Page> ChangeFeed::read(std::int64_t after, int limit) const {
  Page page;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    const std::int64_t last = reader.lastChangeId();
    // Ids have no holes. One ahead of all is of another database, or of one that was restored.
    if (after > last || after + 1 < reader.firstChangeId()) {
      page.resync = true;
      page.last = last;
      return Done{};
    }
    const auto rows = reader.changesAfter(after, kRowsAtOnce);
    page = pageOf(rows, after, limit);
    page.complete = page.last == last;
    return Done{};
  });
  if (!read) return read.error();
  return page;
}

ChangeFeed::Page ChangeFeed::pageOf(const std::vector<store::Change>& changes, std::int64_t after,
                                    int limit) {
  Page page;
  page.last = after;
  std::unordered_map<ContactId, ContactChange> newest;
  for (const store::Change& change : changes) {
    if (change.id <= after) continue;
    if (change.kind == store::ChangeKind::kContact) {
      const bool known = newest.count(change.ref) != 0;
      if (!known && newest.size() >= static_cast<std::size_t>(limit)) {
        page.complete = false;
        break;
      }
      newest[change.ref] = {change.id, change.ref, change.at};
    }
    page.last = change.id;
  }
  for (const auto& [contact, change] : newest) page.changes.push_back(change);
  std::sort(page.changes.begin(), page.changes.end(),
            [](const ContactChange& a, const ContactChange& b) { return a.id < b.id; });
  return page;
}

}  // namespace mbr::members
