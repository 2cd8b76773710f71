// Members who ask for a new password.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/contact.h"
#include "domain/credential.h"
#include "domain/email.h"
#include "members/password_links.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::members {

// How often one may ask (DECISIONS, "Reset requests"). What is beyond is answered all the same.
struct ResetLimit {
  Milliseconds gap{0};  // from one to the next
  int most = 0;         // within `window`, which begins with the first
  Milliseconds window{0};
};
inline constexpr ResetLimit kResetsPerEmail{std::chrono::minutes{15}, 5, std::chrono::hours{24}};
inline constexpr ResetLimit kResetsPerAddress{Milliseconds{0}, 10, std::chrono::hours{1}};

// Counts one more at `now`; false, and nothing is counted, if that is too often. Pure.
bool takeReset(store::ThrottleRecord& record, const ResetLimit& limit, Instant now);

// Thread-safe.
class ResetRequests {
 public:
  struct Options {
    PasswordPolicy policy = PasswordPolicy::kKeep;
    // Enters the member into this automation, which sends the mail. Without one a new link in the
    // password field is all, and an automation that starts when the field changes sends it.
    std::optional<AutomationId> automation{};
    // Whether the contact may log in at all by its tags, and whether tags decide that (kLink: who
    // has no password yet gets a link only then). Must be thread-safe.
    std::function<bool(const Contact&)> isEntitled{};
    bool hasRequiredTags = false;
  };

  // All of them must outlive it. `onEnqueued` is called after a commit that added a job.
  ResetRequests(store::Store& store, const passwords::KeyRing& keys, const PasswordLinks& links,
                std::function<void()> onEnqueued, Options options);

  // Somebody at `address` wants a new password for `email`. What a stranger learns is always the
  // same: nothing. Only contacts that are known here are acted on, at most kResetsPerEmail and
  // kResetsPerAddress of them; their password stays in force until they set another.
  //
  // Under kKeep with an automation the member enters it, and its mail shows the password field.
  // Else a new link is written into the field first.
  //
  // Calls `done` once, on any thread, when that is on disk. Errors: the store's only.
  void ask(const Email& email, std::string_view address, std::function<void(Outcome)> done);

  // The same within a transaction, at the word of `actor`: without bounds, and he learns what came
  // of it. The job is the one that will do it. Errors: kNotFound (not known here, or deleted),
  // kDenied (its tags, or that it has no password, make it no member), kConflict (no link can be
  // made).
  Result<JobId> reset(store::Transaction& tx, const Email& email, std::string_view actor) const;

 private:
  bool isTooOften(store::Transaction& tx, std::string_view email, std::string_view address) const;
  Outcome mayReset(store::Reader& reader, const Contact& contact) const;
  std::string keyOf(std::string_view kind, std::string_view text) const;

  store::Store& store_;
  const passwords::KeyRing& keys_;
  const PasswordLinks& links_;
  const std::function<void()> onEnqueued_;
  const Options options_;
};

}  // namespace mbr::members
