#include <optional>

#include "ops/log.h"
#include "ops/metrics.h"
#include "sync/job_handlers.h"
#include "sync/password_field.h"

namespace mbr::sync {
namespace {

using members::PasswordIssuer;
using outbox::Verdict;

ops::Counter& wiped() {
  return ops::counter("membergate_passwords_wiped_total",
                      "Passwords taken out of ActiveCampaign's field.");
}

// The credential whose text may lie in the field; nothing if there is no such.
struct Found {
  std::optional<Credential> credential;
  std::optional<Email> email;
  bool passwordJobOpen = false;
};

Result<Found> find(const Workshop& workshop, ContactId id) {
  Found found;
  const Outcome looked = workshop.store.read([&](store::Reader& reader) -> Outcome {
    const auto contact = reader.findContact(id);
    if (!contact || contact->deletedAt) return Done{};
    found.email = contact->email;
    found.credential = reader.findCredential(id);
    found.passwordJobOpen = reader.hasOpenJob(members::kPasswordJob, id);
    return Done{};
  });
  if (!looked) return looked.error();
  return found;
}

}  // namespace

// Empties the field only if it still holds exactly what the credential was made of. Whatever
// interrupts it, the field is empty in the end: a run that finds it so has nothing left to do.
Verdict runWipeJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  const bool askedFor = PasswordIssuer::isAskedFor(job);
  if ((!askedFor && !workshop.issuer.wipes()) || workshop.wiper == nullptr) {
    return Verdict::done();  // not any more
  }
  if (!job.contactId) return Verdict::dead("names no contact");
  const ContactId id = *job.contactId;
  const auto found = find(workshop, id);
  if (!found) return Verdict::retry(found.error());
  const auto& credential = found->credential;
  if (!credential || credential->source.empty()) return Verdict::done();
  if (!askedFor && workshop.issuer.wipeDue(*credential) > workshop.clock.now()) {
    // The password is a newer one. The key of this job is free once it has ended.
    return Verdict::done({}, [&issuer = workshop.issuer, id](store::Transaction& tx) {
      issuer.scheduleWipe(tx, id);
    });
  }
  if (found->passwordJobOpen) {
    return Verdict::retry({Code::kBusy, "a password job is open", Milliseconds{1000}});
  }

  const auto client = workshop.clients.lease();
  const auto call = [&] { return workshop.call(job.lane, stop); };
  const auto read = readWithPassword(workshop, *client, {id, found->email}, call());
  if (!read) return Verdict::retry(read.error());
  const auto take = [&workshop, read = *read](store::Transaction& tx) {
    workshop.updater.applyRead(tx, read.snapshot, read.goneId);
  };
  if (!read->snapshot || read->snapshot->id != id) return Verdict::done({}, take);
  const Secret& text = *read->snapshot->password;
  if (text.empty() || members::PasswordLinks::isLink(text)) {
    return Verdict::done({}, [take, id](store::Transaction& tx) {
      PasswordIssuer::forgetSource(tx, id);
      take(tx);
    });
  }
  // Another text is somebody else's password, which is adopted.
  if (!workshop.issuer.isSource(*credential, text)) return Verdict::done({}, take);

  if (const Outcome slow = workshop.wiper->harden(*credential, text, stop); !slow) {
    return Verdict::retry(slow.error());
  }
  if (const Outcome cleared = clearPassword(workshop, *client, id, call()); !cleared) {
    return Verdict::retry(cleared.error());
  }
  wiped().add();
  ops::logInfo("password_wiped", {{"contact_id", id}, {"job_id", job.id}});
  return Verdict::done({}, [id](store::Transaction& tx) { PasswordIssuer::forgetSource(tx, id); });
}

}  // namespace mbr::sync
