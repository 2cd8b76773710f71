#include "members/delivery_applier.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/ascii.h"
#include "domain/contact.h"
#include "members/job_payload.h"
#include "ops/metrics.h"

namespace mbr::members {
namespace {

constexpr std::chrono::seconds kSoon{5};

bool isNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// An event of before what is known. Equal times apply in order of arrival. What a pull showed that
// was sent after the body had come holds all that the body says: the pull did not wait its turn.
bool isOlder(const Delivery& delivery, const Contact& known, Instant now) {
  if (known.pulledAt && delivery.receivedAt < *known.pulledAt && *known.pulledAt <= now) {
    return true;
  }
  if (!delivery.happenedAt) return false;
  return (known.eventAt && *delivery.happenedAt < *known.eventAt) ||
         (known.updatedAt && *delivery.happenedAt < *known.updatedAt);
}

// The fields of the body that the directory knows. False if one is unknown: then a pull must tell.
// Hidden ones were dropped while parsing; here it is held once more, because an id may have got its
// name since then.
bool mergeFields(Contact& contact, const Delivery& delivery, const contacts::Names& names,
                 const std::set<std::string>& hidden) {
  bool complete = true;
  for (const auto& [key, value] : delivery.fields) {
    std::string perstag;
    if (isNumber(key)) {
      const auto id = parseId(key);
      perstag = id ? names.perstag(*id).value_or("") : "";
    } else {
      perstag = upperCased(key);
      if (names.complete() && !names.isPerstag(perstag)) perstag.clear();
    }
    if (perstag.empty()) {
      complete = false;
    } else if (hidden.count(perstag) == 0) {
      contact.fields.insert_or_assign(std::move(perstag), value);
    }
  }
  return complete;
}

// The tags of the body. False if a name is unknown: then they stay as they were.
bool mergeTags(Contact& contact, const Delivery& delivery, const contacts::Names& names) {
  if (delivery.tagText) {
    auto list = names.splitTags(*delivery.tagText);
    if (!list.complete) return false;
    contact.tags = std::move(list.tags);
    return true;
  }
  if (!delivery.changedTag) return true;
  const auto tag = names.tagId(*delivery.changedTag);
  if (!tag) return false;
  if (delivery.eventType == "contact_tag_added") addTag(contact.tags, *tag);
  if (delivery.eventType == "contact_tag_removed") removeTag(contact.tags, *tag);
  return true;
}

void mergeList(Contact& contact, const Delivery& delivery) {
  if (!delivery.list) return;
  int status = 0;
  if (delivery.eventType == "subscribe") status = 1;
  if (delivery.eventType == "unsubscribe") status = 2;
  if (status == 0) return;
  auto& lists = contact.lists;
  const auto at = std::lower_bound(
      lists.begin(), lists.end(), *delivery.list,
      [](const ListMembership& membership, ListId id) { return membership.id < id; });
  if (at != lists.end() && at->id == *delivery.list) {
    at->status = status;
  } else {
    lists.insert(at, {*delivery.list, status});
  }
}

// Written by hand: once per webhook call.
std::string renderFollowUp(const FollowUp& followUp) {
  std::string out;
  const auto ids = [&](std::string_view name, const std::vector<std::int64_t>& list) {
    out += name;
    for (const std::int64_t id : list) out += std::to_string(id) + ',';
    if (!list.empty()) out.pop_back();
    out += ']';
  };
  out += R"({"password":)";
  out += followUp.password ? "true" : "false";
  ids(R"(,"tags":[)", followUp.tags);
  ids(R"(,"automations":[)", followUp.automations);
  out += R"(,"autoregister":)";
  out += followUp.autoregister ? "true}" : "false}";
  return out;
}

// Whether a password job will soon read the contact. One that is being worked off may have read it
// before this delivery changed it, one that has steps left only reads nothing, and one that failed
// before may not be due for an hour.
bool willRead(const Job& job, Instant now) {
  if (job.state != JobState::kQueued || job.dueAt > now + kSoon) return false;
  return !isConfirmed(job.payload);
}

// What the body did to the contact.
enum class Effect { kChanged, kUnchanged, kOutdated, kUnclear, kIgnored };

void count(Effect effect) {
  static const auto counterFor = [](const char* name) -> ops::Counter& {
    return ops::counter("membergate_deliveries_applied_total",
                        "Webhook bodies by what they did to the contact.", {{"effect", name}});
  };
  static ops::Counter* const counters[] = {&counterFor("changed"), &counterFor("unchanged"),
                                           &counterFor("outdated"), &counterFor("unclear"),
                                           &counterFor("ignored")};
  counters[static_cast<std::size_t>(effect)]->add();
}

}  // namespace

// One delivery on its way through the writer.
struct DeliveryApplier::Pending {
  Delivery delivery;
  std::shared_ptr<const contacts::Names> names;
  DoneFn done;
  Receipt receipt;
  Effect effect = Effect::kUnclear;
  bool enqueued = false;
  bool readComes = false;     // a job that has not started yet will read the contact
  std::optional<Job> open{};  // the contact's password job, if that is to be asked
};

DeliveryApplier::DeliveryApplier(store::Store& store, const contacts::Directories& directories,
                                 const passwords::Sealer& sealer, const Clock& clock,
                                 Options options, std::function<void()> onEnqueued)
    : store_(store),
      directories_(directories),
      sealer_(sealer),
      clock_(clock),
      options_(std::move(options)),
      onEnqueued_(std::move(onEnqueued)) {}

void DeliveryApplier::apply(Delivery delivery, DoneFn done) {
  auto pending = std::make_shared<Pending>();
  pending->delivery = std::move(delivery);
  pending->delivery.receivedAt = clock_.now();
  pending->names = directories_.names();
  pending->done = std::move(done);
  store_.submit(
      [this, pending](store::Transaction& tx) -> Outcome {
        applyIn(tx, *pending);
        return Done{};
      },
      [this, pending](const Outcome& outcome) {
        if (!outcome) return pending->done(outcome.error());
        count(pending->effect);
        if (pending->enqueued) onEnqueued_();
        pending->done(pending->receipt);
      });
}

void DeliveryApplier::applyIn(store::Transaction& tx, Pending& pending) const {
  const Delivery& delivery = pending.delivery;
  if (options_.tombstones != nullptr && options_.tombstones->ignores(tx, delivery)) {
    return ignore(tx, pending);
  }
  std::optional<Contact> known;
  if (delivery.contactId) {
    known = tx.findContact(*delivery.contactId);
  } else if (delivery.email) {
    known = tx.findContactByEmail(*delivery.email);
  }
  pending.receipt.contact = known ? std::optional(known->id) : delivery.contactId;

  const bool refresh = applyData(tx, pending, std::move(known));
  if (!delivery.followUp.empty()) applyFollowUp(tx, pending);
  if (delivery.dialect == Delivery::Dialect::kEvent) applyRule(tx, pending);
  const auto readComes = [&] {
    return pending.readComes || (pending.open && willRead(*pending.open, delivery.receivedAt));
  };
  if (refresh && !readComes()) {
    WhoPayload who{pending.receipt.contact, delivery.email ? delivery.email->text() : ""};
    if (pending.effect != Effect::kChanged) who.askedAt = delivery.receivedAt;
    bool added = false;
    enqueueRefresh(tx, who, Lane::kRefresh, &added);
    pending.enqueued = pending.enqueued || added;
  }

  store::DeliveryRecord record;
  record.receivedAt = delivery.receivedAt;
  record.route = delivery.route;
  record.eventType = delivery.eventType;
  record.digest = delivery.digest;
  record.contactId = pending.receipt.contact;
  if (!delivery.contactId && delivery.email) record.email = delivery.email->text();
  const bool duplicate = pending.receipt.status == Receipt::Status::kDuplicate;
  if (!duplicate && !delivery.followUp.empty()) record.followUp = renderFollowUp(delivery.followUp);
  record.status = duplicate ? "duplicate" : "accepted";
  record.requestId = delivery.requestId;
  tx.addDelivery(record);
}

// That it came is kept, and not of whom.
void DeliveryApplier::ignore(store::Transaction& tx, Pending& pending) const {
  const Delivery& delivery = pending.delivery;
  pending.receipt.status = Receipt::Status::kIgnored;
  pending.receipt.contact = delivery.contactId;
  pending.effect = Effect::kIgnored;
  store::DeliveryRecord record;
  record.receivedAt = delivery.receivedAt;
  record.route = delivery.route;
  record.eventType = delivery.eventType;
  record.status = "ignored";
  record.requestId = delivery.requestId;
  tx.addDelivery(record);
}

// Takes the body's data in. True if the contact must be read from ActiveCampaign.
bool DeliveryApplier::applyData(store::Transaction& tx, Pending& pending,
                                std::optional<Contact> known) const {
  const Delivery& delivery = pending.delivery;
  // With one of the two keys only, whose data this is would be a guess.
  if (!delivery.contactId || !delivery.email) return true;
  if (known && isOlder(delivery, *known, tx.now())) {
    pending.effect = Effect::kOutdated;
    return true;
  }

  const bool isKnown = known.has_value();
  Contact contact = isKnown ? *std::move(known) : Contact{};
  const std::vector<TagId> tagsBefore = contact.tags;
  contact.id = *delivery.contactId;
  bool refresh = contact.deletedAt.has_value();  // a body does not raise the dead, a pull may
  if (contact.email != delivery.email) {
    const bool takeable = !isKnown && !tx.findContactByEmail(*delivery.email);
    if (takeable) contact.email = delivery.email;
    refresh = true;
  }
  if (delivery.firstName) contact.firstName = *delivery.firstName;
  if (delivery.lastName) contact.lastName = *delivery.lastName;
  if (delivery.phone) contact.phone = *delivery.phone;
  const bool fieldsKnown = mergeFields(contact, delivery, *pending.names, options_.hiddenFields);
  const bool tagsKnown = mergeTags(contact, delivery, *pending.names);
  mergeList(contact, delivery);
  layOwnChanges(contact, Instant::min(), delivery.receivedAt);
  hearTags(contact, tagsBefore, delivery.receivedAt);
  if (!fieldsKnown || !tagsKnown) {
    enqueueDirectories(tx);
    pending.enqueued = refresh = true;
  }

  contact.confirmed = false;
  contact.asOf = delivery.receivedAt;
  contact.changedAt = std::max(contact.changedAt, delivery.receivedAt);
  if (delivery.happenedAt) contact.eventAt = delivery.happenedAt;
  const bool changed = tx.saveContactIfChanged(contact);
  pending.effect = changed ? Effect::kChanged : Effect::kUnchanged;
  return changed || refresh;
}

void DeliveryApplier::applyFollowUp(store::Transaction& tx, Pending& pending) const {
  const Delivery& delivery = pending.delivery;
  const std::string email = delivery.email ? delivery.email->text() : "";
  const std::string key = contactKey(pending.receipt.contact, email);
  pending.open = tx.findOpenJob(kPasswordJob, key);
  const auto& open = pending.open;
  pending.receipt.password = open ? Receipt::Password::kPending : Receipt::Password::kNone;

  PasswordPayload more;
  more.contactId = pending.receipt.contact;
  more.email = email;
  more.steps = stepsOf(delivery.followUp.tags, delivery.followUp.automations);
  // An open job that does the same settles it without a look at the deliveries.
  if ((open && holdsSteps(*open, more.steps)) ||
      tx.hasDelivery(delivery.digest, delivery.receivedAt - options_.duplicateWindow) ||
      (!open && tx.findOpenJob(kFollowUpJob, followUpKey(more)))) {
    pending.receipt.status = Receipt::Status::kDuplicate;
    return;
  }
  if (!open) {
    addPasswordJob(tx, delivery, pending.receipt.contact);
    pending.receipt.password = Receipt::Password::kQueued;
    pending.enqueued = pending.readComes = true;
    return;
  }
  bool added = false;
  enqueueFollowUp(tx, open->id, more, &added);
  if (!added) pending.receipt.status = Receipt::Status::kDuplicate;
}

void DeliveryApplier::addPasswordJob(store::Transaction& tx, const Delivery& delivery,
                                     const std::optional<ContactId>& contact) const {
  PasswordPayload payload;
  payload.contactId = contact;
  payload.email = delivery.email ? delivery.email->text() : "";
  payload.autoregister = delivery.followUp.autoregister;
  payload.steps = stepsOf(delivery.followUp.tags, delivery.followUp.automations);
  std::string sealed;
  if (delivery.followUp.defaultPassword) {
    payload.hasDefault = true;
    sealed = sealer_.seal(*delivery.followUp.defaultPassword, 0);
  }
  enqueuePassword(tx, payload, std::move(sealed));
}

// The job's fresh read decides; here it is only seen that one may be due.
void DeliveryApplier::applyRule(store::Transaction& tx, Pending& pending) const {
  const PasswordRule& rule = options_.passwordRule;
  const Delivery& delivery = pending.delivery;
  if (rule.who == PasswordRule::Who::kNone || !delivery.contactId || !delivery.email) return;
  if (pending.receipt.password != Receipt::Password::kNone) return;  // its own follow-up asked
  const auto contact = tx.findContact(*delivery.contactId);
  if (!contact || contact->deletedAt || !rule.covers(contact->tags)) return;
  if (tx.findCredential(contact->id)) return;
  pending.open = tx.findOpenJob(kPasswordJob, contactKey(contact->id, ""));
  if (pending.open) {
    pending.receipt.password = Receipt::Password::kPending;
    return;
  }
  enqueuePassword(tx, byRule(rule, contact->id, delivery.email->text()), {});
  pending.receipt.password = Receipt::Password::kQueued;
  pending.enqueued = pending.readComes = true;
}

}  // namespace mbr::members
