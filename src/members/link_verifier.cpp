#include "members/link_verifier.h"

#include <utility>

namespace mbr::members {

using contacts::CachedContactPtr;
using DataSource = LoginResult::DataSource;
using Status = LoginResult::Status;

LinkVerifier::LinkVerifier(contacts::ContactCache& cache, contacts::Source& source,
                           LoginVerifier& logins, const LinkTokens& tokens, const Clock& clock,
                           RefreshPolicy refresh, Milliseconds deadline, const LastLogin* lastLogin)
    : cache_(cache),
      source_(source),
      logins_(logins),
      tokens_(tokens),
      clock_(clock),
      refresh_(refresh),
      deadline_(deadline),
      lastLogin_(lastLogin) {}

void LinkVerifier::verify(LinkClaim claim, DoneFn done) {
  auto found = cache_.findById(claim.id);
  if (!found) return done(found.error());
  const CachedContactPtr& contact = *found;
  if (refresh_ == RefreshPolicy::kNever) return done(decide(claim, contact, DataSource::kStale));
  if (holds(claim, contact)) {
    const bool isFresh = refresh_ == RefreshPolicy::kStale && logins_.isFresh(contact->contact);
    if (isFresh) return done(decide(claim, contact, DataSource::kCache));
  } else if (!logins_.mayDoubt(claim.email, contact ? &contact->contact : nullptr)) {
    return done(LoginResult{});
  }
  pull(std::move(claim), contact, std::move(done));
}

void LinkVerifier::pull(LinkClaim claim, CachedContactPtr before, DoneFn done) {
  contacts::Who who;
  who.id = claim.id;
  who.email = claim.email;
  source_.pull(std::move(who), clock_.steady() + deadline_,
               [this, claim = std::move(claim), before = std::move(before),
                done = std::move(done)](const Result<contacts::Pulled>& pulled) {
                 if (!pulled) return done(decide(claim, before, DataSource::kStale));
                 logins_.notePulled(claim.email);
                 auto found = cache_.findById(claim.id);
                 if (!found) return done(found.error());
                 done(decide(claim, *found, DataSource::kLive));
               });
}

bool LinkVerifier::holds(const LinkClaim& claim, const CachedContactPtr& contact) const {
  if (!contact || contact->contact.deletedAt || contact->contact.email != claim.email) return false;
  return !tokens_.wanted() || tokens_.matches(contact->contact, claim.token);
}

LoginResult LinkVerifier::decide(const LinkClaim& claim, CachedContactPtr contact,
                                 DataSource source) const {
  LoginResult result;
  result.source = source;
  if (!holds(claim, contact)) return result;
  result.status = logins_.isEntitled(contact->contact) ? Status::kAdmitted : Status::kNotEntitled;
  if (result.status == Status::kAdmitted && lastLogin_ != nullptr) {
    lastLogin_->note(contact->contact);
  }
  result.contact = std::move(contact);
  return result;
}

}  // namespace mbr::members
