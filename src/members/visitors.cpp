#include "members/visitors.h"

#include <vector>

#include "members/job_payload.h"

namespace mbr::members {
namespace {

constexpr int kAtOnce = 1000;

}  // namespace

Result<int> refreshVisitors(store::Store& store, const Clock& clock, Milliseconds maxAge) {
  const Instant now = clock.now();
  std::vector<ContactId> visitors;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    for (const ContactId id : reader.listVisitors(now - kVisitLasts, now - maxAge, kAtOnce)) {
      if (!reader.findOpenJob(kRefreshJob, contactKey(id, ""))) visitors.push_back(id);
    }
    return Done{};
  });
  if (!read) return read.error();
  if (visitors.empty()) return 0;
  const Outcome queued = store.write([&](store::Transaction& tx) -> Outcome {
    for (const ContactId id : visitors) {
      const auto contact = tx.findContact(id);
      if (!contact || contact->deletedAt) continue;
      enqueueRefresh(tx, {id, contact->email ? contact->email->text() : ""}, Lane::kReconcile);
    }
    return Done{};
  });
  if (!queued) return queued.error();
  return static_cast<int>(visitors.size());
}

}  // namespace mbr::members
