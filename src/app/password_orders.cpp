#include "app/password_orders.h"

#include "members/entitlement.h"
#include "members/password_issuer.h"

namespace mbr::app {

PasswordOrders::PasswordOrders(store::Store& store, const passwords::KeyRing& keys, Random& random,
                               const config::Config& config)
    : store_(store),
      config_(config),
      directories_(store),
      links_(keys, random, {config.hooks.publicUrl, config.linkLife}),
      resets_(store, keys, links_, [] {},
              {config.passwordPolicy, config.resetAutomation,
               [this](const Contact& contact) {
                 const auto& login = config_.login;
                 return members::entitlementOf(contact, *directories_.names(), login.requiredTags,
                                               login.banTag) == members::Entitlement::kEntitled;
               },
               !config.login.requiredTags.empty()}) {}

Result<JobId> PasswordOrders::reset(const Email& email) {
  JobId job = 0;
  const Outcome written = store_.write([&](store::Transaction& tx) -> Outcome {
    const auto queued = resets_.reset(tx, email, "cli");
    if (!queued) return queued.error();
    job = *queued;
    return Done{};
  });
  if (!written) return written.error();
  return job;
}

Result<JobId> PasswordOrders::wipe(const Email& email) {
  if (config_.passwordPolicy == PasswordPolicy::kKeep) {
    return Error{Code::kConflict,
                 "password.policy is keep, so a field that is emptied is filled again; set "
                 "wipe-after, wipe-on-login or link first"};
  }
  JobId job = 0;
  const Outcome written = store_.write([&](store::Transaction& tx) -> Outcome {
    const auto contact = tx.findContactByEmail(email);
    if (!contact || contact->deletedAt) {
      return Error{Code::kNotFound, "no contact of this e-mail is known here"};
    }
    const auto queued = members::PasswordIssuer::wipeNow(tx, contact->id);
    if (!queued) return queued.error();
    job = *queued;
    tx.addAudit({tx.now(), "cli", "wipe_requested", contact->id, "", ""});
    return Done{};
  });
  if (!written) return written.error();
  return job;
}

}  // namespace mbr::app
