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
        if (isTooOften(tx, email.text(), address)) return Done{};
        const auto job = reset(tx, email, "visitor");
        if (!job && job.error().code == Code::kConflict) {
          ops::logWarning("reset_not_possible", {{"reason", job.error().detail}});
        }
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

Result<JobId> ResetRequests::reset(store::Transaction& tx, const Email& email,
                                   std::string_view actor) const {
  const auto contact = tx.findContactByEmail(email);
  if (!contact || contact->deletedAt) {
    return Error{Code::kNotFound, "no contact of this e-mail is known here"};
  }
  if (const Outcome may = mayReset(tx, *contact); !may) return may.error();
  PasswordPayload payload;
  payload.contactId = contact->id;
  payload.email = email.text();
  payload.singly = true;
  if (options_.automation) payload.steps = stepsOf({}, {*options_.automation});
  JobId job = 0;
  if (options_.policy == PasswordPolicy::kKeep && options_.automation) {
    job = enqueueFollowUp(tx, 0, payload);
  } else if (links_.available()) {
    payload.wish = PasswordPayload::Wish::kLink;
    job = addPasswordJob(tx, payload, {}, {});
  } else {
    return Error{Code::kConflict, "no link can be made: webhooks.public_url is not set"};
  }
  tx.addAudit({tx.now(), std::string(actor), "reset_requested", contact->id, "", ""});
  return job;
}

// A contact without a password is no member yet. With links for passwords it may be one whose link
// has expired, but then tags must say that it is a member: else any contact could become one.
Outcome ResetRequests::mayReset(store::Reader& reader, const Contact& contact) const {
  if (options_.isEntitled && !options_.isEntitled(contact)) {
    return Error{Code::kDenied, "the contact's tags make it no member"};
  }
  if (reader.findCredential(contact.id)) return Done{};
  if (options_.policy == PasswordPolicy::kLink && options_.hasRequiredTags) return Done{};
  return Error{Code::kDenied, "the contact has no password yet"};
}

std::string ResetRequests::keyOf(std::string_view kind, std::string_view text) const {
  std::string bytes(kind);
  bytes += '\n';
  bytes += text;
  return keys_.mac("reset", bytes, keys_.oldestId()).value().substr(0, kKeyBytes);
}

}  // namespace mbr::members
