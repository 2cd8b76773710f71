#include "members/contact_updater.h"

#include <memory>
#include <utility>

#include "ops/log.h"

namespace mbr::members {

ContactUpdater::ContactUpdater(store::Store& store, const PasswordIssuer& issuer,
                               const Clock& clock, std::function<void()> onEnqueued)
    : store_(store), issuer_(issuer), clock_(clock), onEnqueued_(std::move(onEnqueued)) {}

bool ContactUpdater::applySnapshot(store::Transaction& tx, const ContactSnapshot& snapshot,
                                   bool openPasswordJob) const {
  const auto known = tx.findContact(snapshot.id);
  // The job that issues a password decides about the field itself.
  if (snapshot.password && !openPasswordJob) {
    const bool jobOpen = tx.hasOpenJob(kPasswordJob, snapshot.id);
    issuer_.adoptIfNew(tx, snapshot.id, *snapshot.password, snapshot.sentAt, jobOpen);
  }
  if (known && snapshot.sentAt <= known->changedAt && isPast(known->changedAt)) {
    enqueueRefresh(tx, {snapshot.id, snapshot.email ? snapshot.email->text() : ""});
    return false;
  }
  // A pull that was sent later has been here and found nothing new.
  if (known && known->pulledAt && snapshot.sentAt < *known->pulledAt && isPast(*known->pulledAt)) {
    return true;
  }
  Contact contact = withSnapshot(known.value_or(Contact{}), snapshot);
  if (contact.email) {
    const auto owner = tx.findContactByEmail(*contact.email);
    if (owner && owner->id != contact.id) enqueueRefresh(tx, {owner->id, ""});
  }
  if (known && sameData(contact, *known)) {
    tx.touchContact(contact);
  } else {
    contact.changedAt = snapshot.sentAt;
    tx.saveContact(contact);
  }
  return true;
}

bool ContactUpdater::isPast(Instant instant) const {
  constexpr std::chrono::seconds kMaxAhead{2};
  return instant <= clock_.now() + kMaxAhead;
}

void ContactUpdater::markDeleted(store::Transaction& tx, ContactId id) const {
  auto contact = tx.findContact(id);
  if (!contact || contact->deletedAt) return;
  contact->deletedAt = clock_.now();
  contact->changedAt = clock_.now();
  tx.saveContact(*contact);
  tx.deleteSessionsOf(id);
  ops::logInfo("contact_deleted", {{"contact_id", id}});
}

void ContactUpdater::applyOwnTags(store::Transaction& tx, ContactId id,
                                  const std::vector<TagId>& added,
                                  const std::vector<TagId>& removed) const {
  if (added.empty() && removed.empty()) return;
  auto contact = tx.findContact(id);
  if (!contact) return;
  const Instant now = clock_.now();
  const auto change = [&](OwnChange::Kind kind, TagId tag) {
    contact->ownChanges.push_back({kind, tag, {}, {}, now});
  };
  for (const TagId tag : removed) {
    removeTag(contact->tags, tag);
    change(OwnChange::Kind::kTagRemoved, tag);
  }
  for (const TagId tag : added) {
    addTag(contact->tags, tag);
    change(OwnChange::Kind::kTagAdded, tag);
  }
  contact->changedAt = now;
  tx.saveContact(*contact);
}

void ContactUpdater::submitChange(ChangePayload change, SubmittedFn done) {
  struct Pending {
    ChangePayload change;
    SubmittedFn done;
    JobId job = 0;
  };
  auto pending = std::make_shared<Pending>(Pending{std::move(change), std::move(done)});
  store_.submit(
      [this, pending](store::Transaction& tx) -> Outcome {
        Job job;
        job.kind = kChangeJob;
        job.lane = Lane::kSite;
        job.contactId = pending->change.contactId;
        job.payload = write(pending->change);
        job.createdAt = clock_.now();
        job.dueAt = job.createdAt;
        pending->job = tx.addJob(job);
        return Done{};
      },
      [this, pending](const Outcome& outcome) {
        if (!outcome) return pending->done(outcome.error());
        onEnqueued_();
        pending->done(pending->job);
      });
}

}  // namespace mbr::members
