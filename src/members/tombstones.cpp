#include "members/tombstones.h"

#include <algorithm>

#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::members {
namespace {

bool honoured() {
  static ops::Counter& counter =
      ops::counter("membergate_tombstones_honoured_total",
                   "Webhooks and reads that were ignored since their contact was erased.");
  counter.add();
  return true;
}

}  // namespace

std::vector<std::string> Tombstones::digests(const std::optional<ContactId>& id,
                                             const std::optional<Email>& email) const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& text) {
    for (const std::string& keyId : keys_.ids()) {
      if (auto digest = keys_.mac("tombstone", text, keyId)) all.push_back(std::move(*digest));
    }
  };
  if (id) add("id:" + std::to_string(*id));
  if (email) add("email:" + email->text());
  return all;
}

Outcome Tombstones::erase(store::Transaction& tx, const contacts::Who& who, std::string_view actor,
                          std::string_view requestId) const {
  const auto contact = contacts::findContact(tx, who);
  if (!contact) return Error{Code::kNotFound, "nothing is kept of this contact"};
  bury(tx, contact->id, contact->email, actor, requestId);
  return Done{};
}

void Tombstones::bury(store::Transaction& tx, ContactId id, const std::optional<Email>& email,
                      std::string_view actor, std::string_view requestId) const {
  tx.eraseContact(id);
  tx.addTombstones(digests(id, email));
  store::AuditRecord record;
  record.at = tx.now();
  record.actor = actor;
  record.action = "contact_erased";
  record.requestId = requestId;
  tx.addAudit(record);
}

std::optional<Instant> Tombstones::covers(store::Reader& reader, const std::optional<ContactId>& id,
                                          const std::optional<Email>& email) const {
  if (!reader.hasTombstones()) return std::nullopt;
  std::optional<Instant> last;
  for (const std::string& digest : digests(id, email)) {
    last = std::max(last, reader.findTombstone(digest));
  }
  return last;
}

bool Tombstones::lift(store::Transaction& tx, const std::optional<ContactId>& id,
                      const std::optional<Email>& email) const {
  if (!covers(tx, id, email)) return false;
  for (const std::string& digest : digests(id, email)) tx.deleteErasure(digest);
  ops::logInfo("tombstone_lifted");
  return true;
}

bool Tombstones::ignores(store::Transaction& tx, const ContactSnapshot& snapshot) const {
  if (!tx.hasTombstones()) return false;
  if (covers(tx, snapshot.id, std::nullopt)) return honoured();
  const auto erasedAt = covers(tx, std::nullopt, snapshot.email);
  if (!erasedAt) return false;
  if (!snapshot.createdAt || *snapshot.createdAt <= *erasedAt) return honoured();
  // Somebody who has come anew with the address. Who was erased stays so.
  for (const std::string& digest : digests(std::nullopt, snapshot.email)) {
    tx.deleteTombstone(digest);
  }
  ops::logInfo("tombstone_lifted");
  return false;
}

bool Tombstones::ignores(store::Transaction& tx, const Delivery& delivery) const {
  const auto erasedAt = covers(tx, delivery.contactId, delivery.email);
  if (!erasedAt) return false;
  if (!delivery.followUp.password || delivery.receivedAt <= *erasedAt + kGenpassLifts) {
    return honoured();
  }
  lift(tx, delivery.contactId, delivery.email);
  return false;
}

}  // namespace mbr::members
