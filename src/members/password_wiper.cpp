#include "members/password_wiper.h"

#include <future>
#include <memory>
#include <utility>

#include "ops/log.h"

namespace mbr::members {

PasswordWiper::PasswordWiper(store::Store& store, const passwords::Hasher& hasher,
                             passwords::HashPool& pool, PasswordPolicy policy,
                             std::function<void()> onEnqueued)
    : store_(store),
      hasher_(hasher),
      pool_(pool),
      policy_(policy),
      onEnqueued_(std::move(onEnqueued)) {}

void PasswordWiper::noteLogin(const Credential& credential) const {
  if (policy_ != PasswordPolicy::kWipeOnLogin || credential.source.empty()) return;
  store_.submitAhead(  // as the session is, so that it is on disk when the login is answered
      [id = credential.contactId](store::Transaction& tx) -> Outcome {
        PasswordIssuer::enqueueWipe(tx, id, tx.now());
        return Done{};
      },
      [this, id = credential.contactId](const Outcome& outcome) {
        if (outcome) return onEnqueued_();
        ops::logWarning("wipe_not_queued",
                        {{"contact_id", id}, {"detail", outcome.error().detail}});
      });
}

Outcome PasswordWiper::harden(const Credential& credential, const Secret& text,
                              const StopFlag& stop) const {
  if (credential.kind == CredentialKind::kSlow) return Done{};
  const auto made = std::make_shared<std::promise<Credential>>();
  auto slow = made->get_future();
  const bool queued = pool_.tryRun(passwords::HashPool::Priority::kBackground,
                                   [made, &hasher = hasher_, credential, text] {
                                     try {
                                       made->set_value(hasher.hardened(credential, text));
                                     } catch (const std::exception&) {
                                       made->set_exception(std::current_exception());
                                     }
                                   });
  const Error busy{Code::kBusy, "the hash threads are busy", std::chrono::seconds{5}};
  if (!queued) return busy;
  while (slow.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready) {
    if (stop.raised()) return Error{Code::kBusy, "stopping", Milliseconds{0}};
  }
  const Credential hardened = slow.get();
  return store_.write([&](store::Transaction& tx) -> Outcome {
    const auto now = tx.findCredential(credential.contactId);
    if (!now || now->hash != credential.hash) {
      return Error{Code::kBusy, "the password has changed", std::chrono::seconds{1}};
    }
    tx.reformCredential(hardened);
    return Done{};
  });
}

}  // namespace mbr::members
