// Contacts that were erased, and must not come back by themselves.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contacts/who.h"
#include "domain/contact.h"
#include "domain/delivery.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::members {

// What is left of an erased contact: digests of its id and its e-mail under every master key, which
// know it again and do not show it. They outlive a key that is taken out of the file as long as one
// of those that were in it stays.
//
// Thread-safe. Everything works inside the caller's transaction; while nobody was erased, asking
// costs one look and no digest.
class Tombstones {
 public:
  // An mbr_genpass call that comes later than this after the erasure is a new purchase; an earlier
  // one may be what was on its way when the contact was erased.
  static constexpr std::chrono::hours kGenpassLifts{24};

  // `keys` must outlive the object.
  explicit Tombstones(const passwords::KeyRing& keys) : keys_(keys) {}

  // Erases all that is kept of the contact (see Transaction::eraseContact), and remembers that.
  // `actor` is for the audit, which does not say who was erased. Errors: kNotFound (nothing is kept
  // of it).
  Outcome erase(store::Transaction& tx, const contacts::Who& who, std::string_view actor,
                std::string_view requestId = {}) const;
  // The same of a contact that is found already.
  void bury(store::Transaction& tx, ContactId id, const std::optional<Email>& email,
            std::string_view actor, std::string_view requestId = {}) const;

  // When the last of these two was erased; nothing if neither was.
  std::optional<Instant> covers(store::Reader& reader, const std::optional<ContactId>& id,
                                const std::optional<Email>& email) const;

  // The owner wants the contact back: by its e-mail, which finds the id that was erased with it, or
  // by both. False if there was nothing to lift.
  bool lift(store::Transaction& tx, const Email& email) const { return lift(tx, {}, email); }
  bool lift(store::Transaction& tx, const std::optional<ContactId>& id,
            const std::optional<Email>& email) const;

  // Whether what ActiveCampaign showed, or a webhook said, is to be ignored; that is counted. What
  // may bring the contact back lifts the tombstone: a contact of a new id that was made after the
  // erasure (the e-mail's only), and a late mbr_genpass call.
  bool ignores(store::Transaction& tx, const ContactSnapshot& snapshot) const;
  bool ignores(store::Transaction& tx, const Delivery& delivery) const;

 private:
  // The digests of both under all keys.
  std::vector<std::string> digests(const std::optional<ContactId>& id,
                                   const std::optional<Email>& email) const;

  const passwords::KeyRing& keys_;
};

}  // namespace mbr::members
