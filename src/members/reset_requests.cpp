#include "members/reset_requests.h"

#include <utility>

#include "members/job_payload.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::members {
namespace {

constexpr std::size_t kKeyBytes = 16;

store::ThrottleRecord recordOf(store::Reader& reader, std::string key) {
  auto known = reader.findThrottle(key);
  if (known) return *std::move(known);
  store::ThrottleRecord fresh;
  fresh.key = std::move(key);
  return fresh;
}

}  // namespace

bool takeReset(store::ThrottleRecord& record, const ResetLimit& limit, Instant now) {
  // What lies ahead of now was written before the clock was set back.
  const bool over = now - record.firstFailureAt >= limit.window || record.firstFailureAt > now;
  if (over) {
    record.failures = 0;
    record.firstFailureAt = now;
  }
  if (record.failures >= limit.most) return false;
  if (!over && record.failures > 0 && now - record.lastFailureAt < limit.gap) return false;
  ++record.failures;
  record.lastFailureAt = now;
  return true;
}

ResetRequests::ResetRequests(store::Store& store, const passwords::KeyRing& keys,
                             const PasswordLinks& links, std::function<void()> onEnqueued,
                             Options options)
    : store_(store),
      keys_(keys),
      links_(links),
      onEnqueued_(std::move(onEnqueued)),
      options_(std::move(options)) {}

void ResetRequests::ask(const Email& email, std::string_view address,
                        std::function<void(Outcome)> done) {
  store_.submit(
      [this, email, address = std::string(address)](store::Transaction& tx) -> Outcome {
        if (!isTooOften(tx, email.text(), address)) act(tx, email);
        return Done{};
      },
      [this, done = std::move(done)](const Outcome& outcome) {
        if (outcome) onEnqueued_();
        done(outcome);
      });
}

bool ResetRequests::isTooOften(store::Transaction& tx, std::string_view email,
                               std::string_view address) const {
  auto ofAddress = recordOf(tx, keyOf("address", address));
  auto ofEmail = recordOf(tx, keyOf("email", email));
  if (!takeReset(ofAddress, kResetsPerAddress, tx.now()) ||
      !takeReset(ofEmail, kResetsPerEmail, tx.now())) {
    ops::counter("membergate_resets_refused_total", "Reset requests beyond their bounds.").add();
    return true;
  }
  tx.saveThrottle(ofAddress);
  tx.saveThrottle(ofEmail);
  return false;
}

void ResetRequests::act(store::Transaction& tx, const Email& email) const {
  const auto contact = tx.findContactByEmail(email);
  if (!contact || contact->deletedAt || !mayReset(tx, *contact)) return;
  PasswordPayload payload;
  payload.contactId = contact->id;
  payload.email = email.text();
  payload.singly = true;
  if (options_.automation) payload.steps = stepsOf({}, {*options_.automation});
  if (options_.policy == PasswordPolicy::kKeep && options_.automation) {
    enqueueFollowUp(tx, 0, payload);
  } else if (links_.available()) {
    payload.wish = PasswordPayload::Wish::kLink;
    addPasswordJob(tx, payload, {}, {});
  } else {
    return ops::logWarning("reset_not_possible", {{"reason", "webhooks.public_url is not set"}});
  }
  tx.addAudit({tx.now(), "visitor", "reset_requested", contact->id, "", ""});
}

// A contact without a password is no member yet. With links for passwords it may be one whose link
// has expired, but then tags must say that it is a member: else any contact could become one.
bool ResetRequests::mayReset(store::Reader& reader, const Contact& contact) const {
  if (options_.isEntitled && !options_.isEntitled(contact)) return false;
  if (reader.findCredential(contact.id)) return true;
  return options_.policy == PasswordPolicy::kLink && options_.hasRequiredTags;
}

std::string ResetRequests::keyOf(std::string_view kind, std::string_view text) const {
  std::string bytes(kind);
  bytes += '\n';
  bytes += text;
  return keys_.mac("reset", bytes, keys_.oldestId()).value().substr(0, kKeyBytes);
}

}  // namespace mbr::members
