// What the operator orders about one member's password.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "contacts/directories.h"
#include "domain/email.h"
#include "members/password_links.h"
#include "members/reset_requests.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::app {

// Each order is a job, committed with its audit; a running service hears of it. One thread at a
// time.
class PasswordOrders {
 public:
  // All of them must outlive it.
  PasswordOrders(store::Store& store, const passwords::KeyRing& keys, Random& random,
                 const config::Config& config);

  // What the reset page does, without its bounds. Errors: members::ResetRequests::reset's, the
  // store's.
  Result<JobId> reset(const Email& email);

  // Empties ActiveCampaign's field of what Membergate put there, now; the password stays right.
  // Errors: kNotFound (no such contact, or nothing of ours can be in its field), kConflict
  // (password.policy is keep, under which an empty field is filled again; or a wipe is running),
  // the store's.
  Result<JobId> wipe(const Email& email);

 private:
  store::Store& store_;
  const config::Config& config_;
  const contacts::Directories directories_;
  const members::PasswordLinks links_;
  const members::ResetRequests resets_;
};

}  // namespace mbr::app
