#include "members/password_changer.h"

#include <memory>
#include <new>
#include <utility>

#include "members/job_payload.h"
#include "passwords/password_text.h"

namespace mbr::members {
namespace {

const Error kGone{Code::kNotFound, "the contact is gone"};
const Error kNoLink{Code::kDenied, "there is no such link in force"};

bool isThere(store::Reader& reader, ContactId id) {
  const auto contact = reader.findContact(id);
  return contact && !contact->deletedAt;
}

}  // namespace

PasswordChanger::PasswordChanger(store::Store& store, const passwords::Hasher& hasher,
                                 passwords::HashPool& pool, const passwords::Sealer& sealer,
                                 const Clock& clock, std::function<void()> onEnqueued,
                                 Options options)
    : store_(store),
      hasher_(hasher),
      pool_(pool),
      sealer_(sealer),
      clock_(clock),
      onEnqueued_(std::move(onEnqueued)),
      options_(options) {}

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
        *job = addPasswordJob(tx, payload, {}, force ? std::string() : contactKey(contact, ""));
        return Done{};
      },
      [this, job, done = std::move(done)](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        onEnqueued_();
        done(*job);
      });
}

void PasswordChanger::set(const Choice& choice, const DoneFn& done) {
  using Priority = passwords::HashPool::Priority;
  queue({choice, std::nullopt}, choice.current ? Priority::kUnknown : Priority::kKnown, done);
}

void PasswordChanger::setByLink(const Secret& token, const Secret& password, const DoneFn& done) {
  std::optional<Choice> choice;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    const auto owner = options_.links == nullptr
                           ? std::nullopt
                           : options_.links->ownerOf(reader, token, clock_.now());
    const auto contact = owner ? reader.findContact(*owner) : std::nullopt;
    if (contact && !contact->deletedAt && contact->email) {
      choice = Choice{contact->id, *contact->email, password, std::nullopt};
    }
    return Done{};
  });
  if (!read) return done(read.error());
  if (!choice) return done(kNoLink);
  queue({*choice, token}, passwords::HashPool::Priority::kUnknown, done);
}

void PasswordChanger::queue(Order order, passwords::HashPool::Priority priority,
                            const DoneFn& done) {
  const Choice& choice = order.choice;
  const Outcome good = passwords::checkChosenPassword(choice.password.reveal(), choice.email);
  if (!good) return done(good.error());
  const Error busy{Code::kBusy, "the hash queue is full", std::chrono::seconds{1}};
  const bool queued = pool_.tryRun(priority, [this, order = std::move(order), done, busy] {
    try {
      hashAndSave(order, done);
    } catch (const std::bad_alloc&) {
      done(busy);
    }
  });
  if (!queued) done(busy);
}

// In the pool.
void PasswordChanger::hashAndSave(const Order& order, const DoneFn& done) {
  const Choice& choice = order.choice;
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
  const bool keeps = options_.policy == PasswordPolicy::kKeep;
  Credential credential =
      hasher_.makeSlow(choice.contact, choice.password, CredentialOrigin::kSet, clock_.now());
  if (keeps) credential.source = hasher_.sourceDigest(choice.password);
  PasswordPayload payload;
  payload.contactId = choice.contact;
  payload.email = choice.email.text();
  payload.issued = true;
  payload.singly = true;
  payload.wish = keeps ? PasswordPayload::Wish::kChosen : PasswordPayload::Wish::kCleared;
  std::string sealed = keeps ? sealer_.seal(choice.password, choice.contact) : std::string();

  const auto job = std::make_shared<JobId>(0);
  store_.submit(
      [this, credential, payload, sealed, job, order,
       hash = known ? known->hash : ""](store::Transaction& tx) -> Outcome {
        if (!isAllowed(tx, order)) return kNoLink;
        if (!isThere(tx, credential.contactId)) return kGone;
        const auto now = tx.findCredential(credential.contactId);
        if (order.choice.current && (!now || now->hash != hash)) {
          return Error{Code::kConflict, "the password changed while it was checked"};
        }
        tx.saveCredential(credential);
        tx.deleteLinksOf(credential.contactId);
        *job = addPasswordJob(tx, payload, sealed, {});
        return Done{};
      },
      [this, job, done](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        onEnqueued_();
        done(*job);
      });
}

// The link may have been used, or its contact erased, since it was looked up.
bool PasswordChanger::isAllowed(store::Reader& reader, const Order& order) const {
  if (!order.link) return true;
  return options_.links->ownerOf(reader, *order.link, clock_.now()) == order.choice.contact &&
         isThere(reader, order.choice.contact);
}

Outcome PasswordChanger::hasLinks() const {
  if (options_.links != nullptr && options_.links->available()) return Done{};
  return Error{Code::kConflict, "webhooks.public_url is not set"};
}

void PasswordChanger::makeLink(ContactId contact,
                               std::function<void(Result<PasswordLinks::Link>)> done) {
  if (const Outcome has = hasLinks(); !has) return done(has.error());
  const auto link = std::make_shared<PasswordLinks::Link>();
  store_.submit(
      [this, contact, link](store::Transaction& tx) -> Outcome {
        if (!isThere(tx, contact)) return kGone;
        *link = options_.links->mint(tx, contact);
        return Done{};
      },
      [link, done = std::move(done)](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        done(*link);
      });
}

void PasswordChanger::pushLink(ContactId contact, const std::string& email, DoneFn done) {
  if (const Outcome has = hasLinks(); !has) return done(has.error());
  PasswordPayload payload;
  payload.contactId = contact;
  payload.email = email;
  payload.wish = PasswordPayload::Wish::kLink;
  payload.singly = true;
  const auto job = std::make_shared<JobId>(0);
  store_.submit(
      [payload, job](store::Transaction& tx) -> Outcome {
        if (!isThere(tx, *payload.contactId)) return kGone;
        *job = addPasswordJob(tx, payload, {}, {});
        return Done{};
      },
      [this, job, done = std::move(done)](const Outcome& outcome) {
        if (!outcome) return done(outcome.error());
        onEnqueued_();
        done(*job);
      });
}

}  // namespace mbr::members
