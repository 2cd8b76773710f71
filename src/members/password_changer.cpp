#include "members/password_changer.h"

#include <memory>
#include <new>
#include <utility>

#include "members/job_payload.h"
#include "passwords/password_text.h"

namespace mbr::members {
namespace {

const Error kGone{Code::kNotFound, "the contact is gone"};

bool isThere(store::Reader& reader, ContactId id) {
  const auto contact = reader.findContact(id);
  return contact && !contact->deletedAt;
}

// In the lane of what somebody waits for.
JobId addJob(store::Transaction& tx, const PasswordPayload& payload, std::string sealed,
             std::string key) {
  Job job;
  job.kind = kPasswordJob;
  job.lane = Lane::kSite;
  job.contactId = payload.contactId;
  job.key = std::move(key);
  job.payload = write(payload);
  job.sealed = std::move(sealed);
  job.createdAt = tx.now();
  job.dueAt = tx.now();
  return tx.addJob(job);
}

}  // namespace

PasswordChanger::PasswordChanger(store::Store& store, const passwords::Hasher& hasher,
                                 passwords::HashPool& pool, const passwords::Sealer& sealer,
                                 const Clock& clock, std::function<void()> onEnqueued)
    : store_(store),
      hasher_(hasher),
      pool_(pool),
      sealer_(sealer),
      clock_(clock),
      onEnqueued_(std::move(onEnqueued)) {}

void PasswordChanger::generate(ContactId contact, const std::string& email, bool force,
                               DoneFn done) {
  const auto job = std::make_shared<JobId>(0);
  PasswordPayload payload;
  payload.contactId = contact;
  payload.email = email;
  if (force) payload.wish = PasswordPayload::Wish::kReplace;
  payload.singly = true;
  store_.submit(
      [payload, contact, force, job](store::Transaction& tx) -> Outcome {
        if (!isThere(tx, contact)) return kGone;
        if (!force && tx.findCredential(contact)) {
          return Error{Code::kConflict, "the contact has a password"};
        }
        // One that replaces must not be taken for another that is open.
        *job = addJob(tx, payload, {}, force ? std::string() : contactKey(contact, ""));
        return Done{};
      },
      [this, job, done = std::move(done)](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        onEnqueued_();
        done(*job);
      });
}

void PasswordChanger::set(const Choice& choice, const DoneFn& done) {
  const Outcome allowed = passwords::checkChosenPassword(choice.password.reveal(), choice.email);
  if (!allowed) return done(allowed.error());
  const Error busy{Code::kBusy, "the hash queue is full", std::chrono::seconds{1}};
  const auto priority = choice.current ? passwords::HashPool::Priority::kUnknown
                                       : passwords::HashPool::Priority::kKnown;
  const bool queued = pool_.tryRun(priority, [this, choice, done, busy] {
    try {
      hashAndSave(choice, done);
    } catch (const std::bad_alloc&) {
      done(busy);
    }
  });
  if (!queued) done(busy);
}

void PasswordChanger::setByLink(const Secret&, const Secret&, const DoneFn& done) {
  done(Error{Code::kUnavailable, "not there yet"});
}

// In the pool.
void PasswordChanger::hashAndSave(const Choice& choice, const DoneFn& done) {
  std::optional<Credential> known;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    known = reader.findCredential(choice.contact);
    return Done{};
  });
  if (!read) return done(read.error());
  if (choice.current) {
    if (!known) hasher_.verifyDummy(*choice.current);
    if (!known || !hasher_.verify(*known, *choice.current)) {
      return done(Error{Code::kDenied, "the current password is wrong"});
    }
  }
  Credential credential =
      hasher_.makeSlow(choice.contact, choice.password, CredentialOrigin::kSet, clock_.now());
  credential.source = hasher_.sourceDigest(choice.password);
  PasswordPayload payload;
  payload.contactId = choice.contact;
  payload.email = choice.email.text();
  payload.issued = true;
  payload.singly = true;
  payload.wish = PasswordPayload::Wish::kChosen;
  std::string sealed = sealer_.seal(choice.password, choice.contact);

  const auto job = std::make_shared<JobId>(0);
  store_.submit(
      [credential, payload, sealed, job, checked = choice.current.has_value(),
       hash = known ? known->hash : ""](store::Transaction& tx) -> Outcome {
        if (!isThere(tx, credential.contactId)) return kGone;
        const auto now = tx.findCredential(credential.contactId);
        if (checked && (!now || now->hash != hash)) {
          return Error{Code::kConflict, "the password changed while it was checked"};
        }
        tx.saveCredential(credential);
        *job = addJob(tx, payload, sealed, {});
        return Done{};
      },
      [this, job, done](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        onEnqueued_();
        done(*job);
      });
}

}  // namespace mbr::members
