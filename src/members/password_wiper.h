// Takes passwords out of ActiveCampaign's field once they have done their work (password.policy).
#pragma once

#include <functional>

#include "base/result.h"
#include "base/secret.h"
#include "base/stop_flag.h"
#include "domain/credential.h"
#include "members/password_issuer.h"
#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "store/store.h"

namespace mbr::members {

// What happens here before and after the field is emptied; kWipeJob's handler does that.
// Thread-safe.
class PasswordWiper {
 public:
  // All of them must outlive it. `onEnqueued` is called after a commit that added a job.
  PasswordWiper(store::Store& store, const passwords::Hasher& hasher, passwords::HashPool& pool,
                PasswordPolicy policy, std::function<void()> onEnqueued);

  // A member logged in with this credential: under kWipeOnLogin its wipe is queued, if its text may
  // still lie in the field. Never waits: if the store refuses, the next login does it.
  void noteLogin(const Credential& credential) const;

  // A text that lies nowhere any more is kept as a slow hash only: makes the credential of `text`
  // slow, unless it is, and commits that. Waits for a hash thread, behind all logins; for job
  // threads. Errors: kBusy (no thread was free, the credential has changed, or `stop` was raised:
  // nothing was changed), the store's.
  Outcome harden(const Credential& credential, const Secret& text, const StopFlag& stop) const;

 private:
  store::Store& store_;
  const passwords::Hasher& hasher_;
  passwords::HashPool& pool_;
  const PasswordPolicy policy_;
  const std::function<void()> onEnqueued_;
};

}  // namespace mbr::members
