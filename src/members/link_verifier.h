// Checks a member who comes by a login link.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "contacts/contact_cache.h"
#include "contacts/source.h"
#include "domain/email.h"
#include "members/last_login.h"
#include "members/link_tokens.h"
#include "members/login_verifier.h"

namespace mbr::members {

// What a link says of who comes.
struct LinkClaim {
  ContactId id = 0;
  Email email;
  std::string token;  // empty if the link has none
};

// A claim holds if the contact with that id has that e-mail and, where links carry tokens, that
// token in its field; the same entitlement is asked for as with a password, which itself is not
// needed. A claim that holds on stale data is pulled and looked at again; one that does not is
// doubted by one pull, within the bounds of LoginVerifier's doubts.
//
// Thread-safe; verify() may be called on a fast worker.
class LinkVerifier {
 public:
  using DoneFn = std::function<void(Result<LoginResult>)>;

  // All of them must outlive the verifier. `refresh` and `deadline` as the logins have them;
  // `lastLogin` is told of every contact that is admitted.
  LinkVerifier(contacts::ContactCache& cache, contacts::Source& source, LoginVerifier& logins,
               const LinkTokens& tokens, const Clock& clock, RefreshPolicy refresh,
               Milliseconds deadline, const LastLogin* lastLogin = nullptr);

  // Calls `done` once on any thread. kWrong: no such contact, another e-mail or another token.
  // Errors: kUnavailable (store).
  void verify(LinkClaim claim, DoneFn done);

 private:
  bool holds(const LinkClaim& claim, const contacts::CachedContactPtr& contact) const;
  LoginResult decide(const LinkClaim& claim, contacts::CachedContactPtr contact,
                     LoginResult::DataSource source) const;
  void pull(LinkClaim claim, contacts::CachedContactPtr before, DoneFn done);

  contacts::ContactCache& cache_;
  contacts::Source& source_;
  LoginVerifier& logins_;
  const LinkTokens& tokens_;
  const Clock& clock_;
  const RefreshPolicy refresh_;
  const Milliseconds deadline_;
  const LastLogin* const lastLogin_;
};

}  // namespace mbr::members
