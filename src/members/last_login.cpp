#include "members/last_login.h"

#include <memory>
#include <utility>

#include "base/time_format.h"
#include "members/job_payload.h"
#include "ops/log.h"

namespace mbr::members {
namespace {

// 2026-01-02T03:04:05+00:00, as ActiveCampaign takes a date and time.
std::string withOffset(Instant instant) { return formatRfc3339(instant).substr(0, 19) + "+00:00"; }

Job jobOf(const std::string& field, ContactId contact, Instant now) {
  using Item = ChangePayload::Item;
  ChangePayload change;
  change.contactId = contact;
  change.items = {{Item::Kind::kField,
                   Item::Action::kSet,
                   0,
                   field,
                   Item::Result::kOpen,
                   "",
                   withOffset(now),
                   {}}};
  Job job;
  job.kind = kLastLoginJob;  // of its own, so that no change of the site's waits for it
  job.lane = Lane::kBackfill;
  job.contactId = contact;
  job.key = contactKey(contact, "");
  job.payload = write(change);
  job.createdAt = now;
  job.dueAt = now;
  return job;
}

}  // namespace

LastLogin::LastLogin(store::Store& store, const contacts::Directories& directories,
                     const Clock& clock, std::function<void()> onEnqueued, std::string field)
    : store_(store),
      directories_(directories),
      clock_(clock),
      onEnqueued_(std::move(onEnqueued)),
      field_(std::move(field)) {}

void LastLogin::note(const Contact& contact) const {
  const Instant now = clock_.now();
  if (field_.empty() || !isDue(contact, now) || !directories_.names()->fieldId(field_)) return;
  const auto added = std::make_shared<bool>(false);
  store_.submitAhead(  // as the session is, so that it is on disk when the login is answered
      [field = field_, id = contact.id, now, added](store::Transaction& tx) -> Outcome {
        tx.addJob(jobOf(field, id, now), added.get());
        return Done{};
      },
      [this, added](const Outcome& outcome) {
        if (!outcome)
          return ops::logInfo("last_login_not_noted", {{"reason", outcome.error().detail}});
        if (*added) onEnqueued_();
      });
}

bool LastLogin::isDue(const Contact& contact, Instant now) const {
  const auto known = contact.fields.find(field_);
  const auto last = known == contact.fields.end() ? std::nullopt : parseIso8601(known->second);
  return !last || *last <= now - kLastLoginEvery || *last > now + kLastLoginEvery;
}

}  // namespace mbr::members
