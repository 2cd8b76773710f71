#include "members/contact_updater.h"

#include <utility>

#include "members/job_payload.h"
#include "members/link_tokens.h"
#include "ops/log.h"

namespace mbr::members {

ContactUpdater::ContactUpdater(const PasswordIssuer& issuer, const Clock& clock, Options options)
    : issuer_(issuer), clock_(clock), options_(std::move(options)) {}

ContactUpdater::Taken ContactUpdater::applySnapshot(store::Transaction& tx,
                                                    const ContactSnapshot& snapshot,
                                                    bool openPasswordJob) const {
  if (options_.tombstones != nullptr && options_.tombstones->ignores(tx, snapshot)) {
    return Taken::kErased;
  }
  const auto known = tx.findContact(snapshot.id);
  // The job that issues a password decides about the field itself.
  if (snapshot.password && !openPasswordJob) {
    const bool jobOpen = tx.hasOpenJob(kPasswordJob, snapshot.id);
    issuer_.adoptIfNew(tx, snapshot.id, *snapshot.password, snapshot.sentAt, jobOpen);
  }
  if (known && snapshot.sentAt <= known->changedAt && isPast(known->changedAt)) {
    enqueueRefresh(tx, {snapshot.id, snapshot.email ? snapshot.email->text() : ""});
    return Taken::kOutdated;
  }
  satisfyRefresh(tx, snapshot.id, snapshot.sentAt);
  // A pull that was sent later has been here and found nothing new.
  if (known && known->pulledAt && snapshot.sentAt < *known->pulledAt && isPast(*known->pulledAt)) {
    return Taken::kSame;
  }
  Contact contact = withSnapshot(known.value_or(Contact{}), snapshot);
  if (contact.email) {
    const auto owner = tx.findContactByEmail(*contact.email);
    // With the e-mail that it loses: if it is merged into this one, nothing else shows it.
    if (owner && owner->id != contact.id) enqueueRefresh(tx, {owner->id, contact.email->text()});
  }
  const bool same = known && sameData(contact, *known);
  if (same) {
    tx.touchContact(contact);
  } else {
    contact.changedAt = snapshot.sentAt;
    tx.saveContact(contact);
  }
  if (!openPasswordJob) applyRule(tx, contact, snapshot);
  if (snapshot.fields) {
    const auto token = snapshot.fields->find(options_.linkTokenField);
    if (token != snapshot.fields->end() && token->second.empty()) enqueueLinkToken(tx, contact.id);
  }
  return same ? Taken::kSame : Taken::kChanged;
}

// A password that nobody's webhook asked for, or whose webhook was lost: the rule says who gets
// one.
void ContactUpdater::applyRule(store::Transaction& tx, const Contact& contact,
                               const ContactSnapshot& snapshot) const {
  const PasswordRule& rule = options_.passwordRule;
  if (!snapshot.password || !snapshot.password->empty() || !snapshot.tags || !contact.email) return;
  // ActiveCampaign's stamps have whole seconds.
  const Instant since = options_.installedAt - std::chrono::seconds{1};
  const bool touched = (contact.createdAt && *contact.createdAt > since) ||
                       (contact.updatedAt && *contact.updatedAt > since);
  if (!touched || !rule.covers(*snapshot.tags)) return;
  if (tx.hasOpenJob(kPasswordJob, contact.id)) return;
  if (issuer_.decide(tx, contact.id, *snapshot.password, snapshot.sentAt, false) !=
      FieldDecision::kMayIssue) {
    return;
  }
  enqueuePassword(tx, byRule(rule, contact.id, contact.email->text()), {});
}

bool ContactUpdater::isPast(Instant instant) const {
  constexpr std::chrono::seconds kMaxAhead{2};
  return instant <= clock_.now() + kMaxAhead;
}

void ContactUpdater::markDeleted(store::Transaction& tx, ContactId id,
                                 const std::optional<ContactId>& now) const {
  auto contact = tx.findContact(id);
  if (!contact || contact->deletedAt) return;
  if (now && *now != id) {
    issuer_.move(tx, id, *now);
    tx.moveSessions(id, *now);
    moveJobs(tx, id, *now);
    ops::logInfo("contact_merged", {{"contact_id", id}, {"into", *now}});
  } else {
    ops::logInfo("contact_deleted", {{"contact_id", id}});
  }
  contact->deletedAt = clock_.now();
  contact->changedAt = clock_.now();
  tx.saveContact(*contact);
  tx.deleteSessionsOf(id);
}

void ContactUpdater::applyRead(store::Transaction& tx,
                               const std::optional<ContactSnapshot>& snapshot,
                               const std::optional<ContactId>& goneId) const {
  // In this order, so that the field is compared with the credential that moved.
  if (goneId) markDeleted(tx, *goneId, snapshot ? std::optional(snapshot->id) : std::nullopt);
  if (snapshot) applySnapshot(tx, *snapshot);
}

// What the site asked for goes on under the new id. The other kinds find it by themselves.
void ContactUpdater::moveJobs(store::Transaction& tx, ContactId from, ContactId to) {
  for (Job& job : tx.listOpenJobsOf(from)) {
    if (job.kind != kChangeJob) continue;
    auto change = readChangePayload(job.payload);
    if (!change) continue;
    change->contactId = to;
    job.contactId = to;
    job.payload = write(*change);
    if (!tx.moveJob(job)) ops::logWarning("job_not_moved", {{"job_id", job.id}});
  }
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

}  // namespace mbr::members
