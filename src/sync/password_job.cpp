#include <utility>

#include "ops/log.h"
#include "sync/job_handlers.h"
#include "sync/password_field.h"
#include "sync/password_work.h"
#include "sync/steps.h"

namespace mbr::sync {
namespace {

using members::PasswordPayload;
using outbox::Verdict;

// One password job on its way. The payload says how far it got; every step that changes it commits
// it together with its effects.
class PasswordRun {
 public:
  PasswordRun(const Workshop& workshop, Job& job, PasswordPayload payload, const StopFlag& stop)
      : w_(workshop),
        job_(job),
        work_(workshop, job, std::move(payload)),
        stop_(stop),
        client_(workshop.clients.lease()) {}

  Verdict run() {
    if (!work_.payload().confirmed) {
      if (auto left = settlePassword()) return std::move(*left);
    }
    PasswordPayload payload = work_.payload();
    if (auto left = runSteps(w_, job_, payload, *payload.contactId, stop_)) {
      return std::move(*left);
    }
    return endOf(payload);
  }

 private:
  activecampaign::Call call() const { return w_.call(job_.lane, stop_); }

  // Nothing once ActiveCampaign holds a password, ours or another; else how to leave the job.
  std::optional<Verdict> settlePassword() {
    const auto field = w_.reader.passwordField(*client_, call());
    if (!field) return Verdict::retry(field.error());

    const auto read = readWithPassword(w_, *client_, who(), call());
    if (!read) return Verdict::retry(read.error());
    if (!read->snapshot) return contactGone(*read);
    const ContactSnapshot& snapshot = *read->snapshot;
    if (snapshot.id != work_.payload().contactId) return handOver(*read);

    auto next = PasswordWork::Next::kSettled;
    const Outcome committed = w_.dispatcher.checkpoint(
        job_, [&](store::Transaction& tx) { next = work_.judge(tx, snapshot); });
    if (!committed) return Verdict::retry(committed.error());
    if (next == PasswordWork::Next::kReadAgain) {
      return Verdict::retry({Code::kBusy, "the credential changed while it was read"});
    }
    if (next == PasswordWork::Next::kWrite) return writeAndConfirm();
    if (next == PasswordWork::Next::kClear) return clearAndConfirm();
    return std::nullopt;
  }

  contacts::Who who() const {
    contacts::Who who;
    who.id = work_.payload().contactId;
    who.email = Email::parse(work_.payload().email);
    return who;
  }

  Verdict contactGone(const ContactReader::Read& read) {
    Verdict verdict = Verdict::dead("ActiveCampaign has no such contact");
    if (read.goneId) {
      verdict.effects = [&updater = w_.updater, id = *read.goneId](store::Transaction& tx) {
        updater.markDeleted(tx, id);
      };
    }
    return verdict;
  }

  // The contact is known by another id than this job's: named by e-mail only, or merged. The work
  // goes on in a job under that id, so that one contact never has two password jobs.
  Verdict handOver(const ContactReader::Read& read) {
    const ContactSnapshot snapshot = *read.snapshot;
    PasswordPayload payload = work_.payload();
    if (payload.wish == PasswordPayload::Wish::kChosen ||
        payload.wish == PasswordPayload::Wish::kCleared) {
      // It moves as what it is here; the field of the other contact is that one's.
      return Verdict::done({}, [read, &updater = w_.updater](store::Transaction& tx) {
        updater.applyRead(tx, read.snapshot, read.goneId);
      });
    }
    payload.contactId = snapshot.id;
    Job moved;
    moved.kind = members::kPasswordJob;
    moved.lane = job_.lane;
    moved.contactId = snapshot.id;
    moved.key = members::contactKey(snapshot.id, "");
    moved.createdAt = job_.createdAt;
    moved.dueAt = w_.clock.now();
    // What was issued for the other id was never confirmed, so it is issued anew if need be; a
    // default_pass belongs to no contact yet.
    if (!payload.issued) moved.sealed = job_.sealed;
    payload.issued = false;
    moved.payload = members::write(payload);
    return Verdict::done({}, [moved, payload, snapshot, gone = read.goneId,
                              &updater = w_.updater](store::Transaction& tx) {
      using Taken = members::ContactUpdater::Taken;
      if (updater.applySnapshot(tx, snapshot, true) == Taken::kErased) return;
      if (gone) updater.markDeleted(tx, *gone, snapshot.id);
      bool added = false;
      const JobId open = tx.addJob(moved, &added);
      if (!added && !members::holdsSteps(tx, open, payload.steps))
        members::enqueueFollowUp(tx, open, payload);
    });
  }

  std::optional<Verdict> writeAndConfirm() {
    const ContactId contact = *work_.payload().contactId;
    const auto field = w_.reader.passwordField(*client_, call());
    if (!field) return Verdict::retry(field.error());
    auto echo = client_->writePassword(call(), contact, *field, work_.password());
    if (!echo) return Verdict::retry(echo.error());
    if (!*echo) {
      // The answer did not hold the field: look.
      const auto read = w_.reader.read(*client_, {contact, std::nullopt}, call());
      if (!read) return Verdict::retry(read.error());
      if (read->snapshot) *echo = read->snapshot->password;
    }
    if (!*echo || (*echo)->empty()) {
      return Verdict::retry({Code::kUnavailable, "ActiveCampaign did not confirm the password"});
    }
    const Outcome saved =
        w_.dispatcher.checkpoint(job_, [this, contact, &text = **echo](store::Transaction& tx) {
          work_.confirm(tx, contact, text);
        });
    if (!saved) return Verdict::retry(saved.error());
    ops::logInfo("password_issued", {{"contact_id", contact}, {"job_id", job_.id}});
    return std::nullopt;
  }

  std::optional<Verdict> clearAndConfirm() {
    const Outcome cleared = clearPassword(w_, *client_, *work_.payload().contactId, call());
    if (!cleared) return Verdict::retry(cleared.error());
    const Outcome saved =
        w_.dispatcher.checkpoint(job_, [this](store::Transaction& tx) { work_.confirmEmpty(tx); });
    if (!saved) return Verdict::retry(saved.error());
    return std::nullopt;
  }

  const Workshop& w_;
  Job& job_;
  PasswordWork work_;
  const StopFlag& stop_;
  const ClientPool::Lease client_;
};

// The password job before may have gone on under another id: of a contact that was named by e-mail
// only, or merged. Sets payload.contactId; nothing if it is found, else how to leave the job.
std::optional<Verdict> findContact(const Workshop& workshop, Job& job, PasswordPayload& payload,
                                   const StopFlag& stop) {
  bool known = false;
  const Outcome looked = workshop.store.read([&](store::Reader& reader) -> Outcome {
    const auto contact = payload.contactId ? reader.findContact(*payload.contactId) : std::nullopt;
    known = contact && !contact->deletedAt;
    return Done{};
  });
  if (!looked) return Verdict::retry(looked.error());
  if (known) return std::nullopt;
  const auto client = workshop.clients.lease();
  const contacts::Who who{payload.contactId, Email::parse(payload.email)};
  const auto read = workshop.reader.read(*client, who, workshop.call(job.lane, stop));
  if (!read) return Verdict::retry(read.error());
  if (!read->snapshot) return Verdict::dead("ActiveCampaign has no such contact");
  payload.contactId = read->snapshot->id;
  job.payload = members::write(payload);
  const Outcome saved = workshop.dispatcher.checkpoint(
      job, [&](store::Transaction& tx) { workshop.updater.applySnapshot(tx, *read->snapshot); });
  if (!saved) return Verdict::retry(saved.error());
  return std::nullopt;
}

// Steps come after the password, also after one that another job issues by now.
std::optional<Verdict> awaitPassword(const Workshop& workshop, ContactId contact) {
  bool open = false;
  const Outcome looked = workshop.store.read([&](store::Reader& reader) -> Outcome {
    open = reader.hasOpenJob(members::kPasswordJob, contact);
    return Done{};
  });
  if (!looked) return Verdict::retry(looked.error());
  if (!open) return std::nullopt;
  return Verdict::retry(
      {Code::kBusy, "the contact's password is not there yet", Milliseconds{1000}});
}

}  // namespace

Verdict runPasswordJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  auto payload = members::readPasswordPayload(job.payload);
  if (!payload) return Verdict::dead(payload.error().detail);
  return PasswordRun(workshop, job, std::move(*payload), stop).run();
}

Verdict runFollowUpJob(const Workshop& workshop, Job& job, const StopFlag& stop) {
  auto payload = members::readPasswordPayload(job.payload);
  if (!payload) return Verdict::dead(payload.error().detail);
  if (auto left = findContact(workshop, job, *payload, stop)) return std::move(*left);
  if (auto left = awaitPassword(workshop, *payload->contactId)) return std::move(*left);
  if (auto left = runSteps(workshop, job, *payload, *payload->contactId, stop)) {
    return std::move(*left);
  }
  return endOf(*payload);
}

}  // namespace mbr::sync
