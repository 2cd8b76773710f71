#include <utility>

#include "ops/log.h"
#include "sync/job_handlers.h"
#include "sync/steps.h"

namespace mbr::sync {
namespace {

using members::PasswordPayload;
using outbox::Verdict;

// What the fresh read led to, once it is committed.
enum class Next { kWrite, kSettled, kReadAgain };

// The text as a page would show it: ActiveCampaign may hand entities back for what was written.
std::string withoutEntities(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kEntities[] = {
      {"&lt;", "<"},   {"&gt;", ">"},  {"&quot;", "\""},
      {"&#039;", "'"}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : kEntities) {
    for (auto at = text.find(entity); at != std::string::npos;
         at = text.find(entity, at + character.size())) {
      text.replace(at, entity.size(), character);
    }
  }
  return text;
}

// True if the job does what `payload` asks for.
bool holdsSteps(store::Reader& reader, JobId id, const PasswordPayload& payload) {
  if (payload.steps.empty()) return true;
  const auto job = reader.findJob(id);
  const auto held = job ? members::readPasswordPayload(job->payload)
                        : Result<PasswordPayload>(Error{Code::kNotFound, "no such job"});
  return held && members::sameSteps(held->steps, payload.steps);
}

// One password job on its way. The payload says how far it got; every step that changes it commits
// it together with its effects.
class PasswordRun {
 public:
  PasswordRun(const Workshop& workshop, Job& job, PasswordPayload payload, const StopFlag& stop)
      : w_(workshop),
        job_(job),
        payload_(std::move(payload)),
        stop_(stop),
        client_(workshop.clients.lease()) {}

  Verdict run() {
    if (!payload_.confirmed) {
      if (auto left = settlePassword()) return std::move(*left);
    }
    if (auto left = runSteps(w_, job_, payload_, *payload_.contactId, stop_)) {
      return std::move(*left);
    }
    return endOf(payload_);
  }

 private:
  activecampaign::Call call() const { return w_.call(job_.lane, stop_); }

  // Nothing once ActiveCampaign holds a password, ours or another; else how to leave the job.
  std::optional<Verdict> settlePassword() {
    const auto field = w_.reader.passwordField(*client_, call());
    if (!field) return Verdict::retry(field.error());

    const auto read = readSurely();
    if (!read) return Verdict::retry(read.error());
    if (!read->snapshot) return contactGone(*read);
    const ContactSnapshot& snapshot = *read->snapshot;
    if (snapshot.id != payload_.contactId) return handOver(*read);
    if (!snapshot.password) {
      return Verdict::retry({Code::kUnavailable, "the answer did not show the password field"});
    }

    const auto next = decide(snapshot);
    if (!next) return Verdict::retry(next.error());
    if (*next == Next::kReadAgain) {
      return Verdict::retry({Code::kBusy, "the credential changed while it was read"});
    }
    if (*next == Next::kWrite) return writeAndConfirm();
    return std::nullopt;
  }

  // Where the answer does not say what the field holds, because it names fields that are unknown
  // here, the directories are fetched and it is read again.
  Result<ContactReader::Read> readSurely() {
    auto read = w_.reader.read(*client_, who(), call());
    if (!read || !read->snapshot) return read;
    if (read->snapshot->password && !read->namesIncomplete) return read;
    const Outcome fetched = w_.reader.fetchDirectories(*client_, call());
    if (!fetched) return fetched.error();
    return w_.reader.read(*client_, who(), call(), ContactReader::UnknownField::kForeign);
  }

  contacts::Who who() const {
    contacts::Who who;
    who.id = payload_.contactId;
    who.email = Email::parse(payload_.email);
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
    PasswordPayload payload = payload_;
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
      updater.applySnapshot(tx, snapshot);
      if (gone) updater.markDeleted(tx, *gone);
      bool added = false;
      const JobId open = tx.addJob(moved, &added);
      if (!added && !holdsSteps(tx, open, payload)) members::enqueueFollowUp(tx, open, payload);
    });
  }

  // Takes the read in and commits what it means.
  Result<Next> decide(const ContactSnapshot& snapshot) {
    Next next = Next::kSettled;
    const Outcome committed = w_.dispatcher.checkpoint(job_, [&](store::Transaction& tx) {
      w_.updater.applySnapshot(tx, snapshot, true);
      next = payload_.issued ? judgeIssued(tx, snapshot) : judgeFresh(tx, snapshot);
      if (next == Next::kSettled) settle();
      job_.payload = members::write(payload_);
    });
    if (!committed) return committed.error();
    return next;
  }

  Next judgeFresh(store::Transaction& tx, const ContactSnapshot& snapshot) {
    switch (w_.issuer.decide(tx, snapshot.id, *snapshot.password, snapshot.sentAt, false)) {
      case FieldDecision::kMayIssue:
        password_ = w_.issuer.issue(tx, job_, payload_, snapshot.id);
        return Next::kWrite;
      case FieldDecision::kAdopt:
        if (payload_.autoregister) w_.issuer.adopt(tx, snapshot.id, *snapshot.password);
        return Next::kSettled;
      case FieldDecision::kNothingToDo:
        return Next::kSettled;
      case FieldDecision::kIgnore:
        return Next::kReadAgain;
    }
    return Next::kReadAgain;
  }

  // An earlier try issued one and may or may not have written it.
  Next judgeIssued(store::Transaction& tx, const ContactSnapshot& snapshot) {
    auto sealed = w_.issuer.sealedPassword(job_, snapshot.id);
    if (!sealed) {
      // The master key is gone, and with it the text; the field is all there is.
      payload_.issued = false;
      return judgeFresh(tx, snapshot);
    }
    password_ = std::move(*sealed);
    if (snapshot.password->empty()) return Next::kWrite;
    takeOther(tx, snapshot.id, *snapshot.password);
    return Next::kSettled;
  }

  // ActiveCampaign holds `text`; if it is not what we issued, somebody else's stays.
  void takeOther(store::Transaction& tx, ContactId contact, const Secret& text) {
    if (matches(text) || !payload_.autoregister) return;
    ops::logInfo("password_of_others_kept", {{"contact_id", contact}, {"job_id", job_.id}});
    w_.issuer.adopt(tx, contact, text);
  }

  bool matches(const Secret& text) const {
    if (password_.equals(text.reveal())) return true;
    if (!Secret::take(withoutEntities(text.reveal())).equals(password_.reveal())) return false;
    ops::logWarning("password_came_back_with_entities", {{"job_id", job_.id}});
    return true;
  }

  void settle() {
    payload_.confirmed = true;
    payload_.hasDefault = false;
    wipe(job_.sealed);
  }

  std::optional<Verdict> writeAndConfirm() {
    const ContactId contact = *payload_.contactId;
    const auto field = w_.reader.passwordField(*client_, call());
    if (!field) return Verdict::retry(field.error());
    auto echo = client_->writePassword(call(), contact, *field, password_);
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
    settle();
    job_.payload = members::write(payload_);
    const Outcome saved = w_.dispatcher.checkpoint(
        job_,
        [this, contact, text = **echo](store::Transaction& tx) { takeOther(tx, contact, text); });
    if (!saved) return Verdict::retry(saved.error());
    ops::logInfo("password_issued", {{"contact_id", contact}, {"job_id", job_.id}});
    return std::nullopt;
  }

  const Workshop& w_;
  Job& job_;
  PasswordPayload payload_;
  const StopFlag& stop_;
  const ClientPool::Lease client_;
  Secret password_;  // what this job issued, once it is known
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
