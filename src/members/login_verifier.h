// Checks a member's e-mail and password.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "contacts/contact_cache.h"
#include "contacts/source.h"
#include "domain/email.h"
#include "members/hook_coverage.h"
#include "members/last_login.h"
#include "members/password_wiper.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "store/store.h"

namespace mbr::members {

// When a login asks ActiveCampaign before it answers.
enum class RefreshPolicy { kAlways, kStale, kNever };

struct LoginOptions {
  RefreshPolicy refresh = RefreshPolicy::kStale;
  Milliseconds maxAge = std::chrono::minutes{5};
  Milliseconds deadline{1500};            // for the live pull
  std::vector<std::string> requiredTags;  // ids or names; any of them suffices; empty: none needed
  std::optional<std::string> banTag;      // id or name
  Milliseconds doubtInterval{60000};      // an e-mail pulled this recently is not doubted
  // All logins together. Members that no pull has shown yet are found by doubting, so this must
  // not be small while there was no full sweep.
  double doubtPullsPerSecond = 5.0;
};

struct LoginResult {
  enum class Status {
    kAdmitted,
    kWrong,        // unknown e-mail, no password yet, or another password: not told apart
    kNotEntitled,  // right password; a required tag is missing or the ban tag is there
  };
  enum class DataSource { kLive, kCache, kStale };
  Status status = Status::kWrong;
  DataSource source = DataSource::kCache;
  contacts::CachedContactPtr contact;  // set if the password was right
  Instant credentialChangedAt{};       // of the credential that matched
};

// Login as DESIGN section 6 and DECISIONS "Freshness and doubt" and "Login order" say: the local
// credential first; a match on fresh data is done; a match on stale data pulls and checks again; no
// match is doubted by one pull. Throttling, sessions and the HTTP side are the caller's.
//
// Thread-safe. verify() may be called on a fast worker: hashing runs in the pool, pulls in the
// source.
class LoginVerifier {
 public:
  using DoneFn = std::function<void(Result<LoginResult>)>;

  // All of them must outlive the verifier. `coverage`: in event mode, what is fresh beyond maxAge.
  // `lastLogin` is told of every contact that is admitted, `wiper` of the credential.
  LoginVerifier(store::Store& store, contacts::ContactCache& cache,
                const contacts::Directories& directories, contacts::Source& source,
                const passwords::Hasher& hasher, passwords::HashPool& pool, const Clock& clock,
                LoginOptions options, const HookCoverage* coverage = nullptr,
                const LastLogin* lastLogin = nullptr, const PasswordWiper* wiper = nullptr);
  ~LoginVerifier();

  // For after the first full sweep; may be called at any time.
  void setDoubtPullsPerSecond(double perSecond);

  // `known`: this address and account succeeded before; such tries are hashed first. Calls `done`
  // once on any thread. Errors: kBusy (hash queue full: nothing was checked), kUnavailable (store).
  void verify(const Email& email, const Secret& password, bool known, DoneFn done);

  // For those who let members in without a password, by the same rules.
  bool isFresh(const Contact& contact) const;
  bool isEntitled(const Contact& contact) const;
  bool isBanned(const Contact& contact) const;  // carries login.ban_tag
  // Whether what does not match may be asked about now; counts as asking. `known`: the contact as
  // it is known here, or null.
  bool mayDoubt(const Email& email, const Contact* known);
  void notePulled(const Email& email);  // ActiveCampaign answered about it

 private:
  class Attempt;
  class Doubts;

  // A pull showed the contact less than `age` ago, and no body has changed it since.
  bool wasPulledWithin(const Contact& contact, Milliseconds age) const;

  store::Store& store_;
  contacts::ContactCache& cache_;
  const contacts::Directories& directories_;
  contacts::Source& source_;
  const passwords::Hasher& hasher_;
  passwords::HashPool& pool_;
  const Clock& clock_;
  LoginOptions options_;
  const HookCoverage* const coverage_;
  const LastLogin* const lastLogin_;
  const PasswordWiper* const wiper_;
  std::unique_ptr<Doubts> doubts_;
};

}  // namespace mbr::members
