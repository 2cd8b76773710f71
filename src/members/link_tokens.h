// The token that a login link carries beside id and e-mail.
//
// It lies in a field of the contact in ActiveCampaign, where the mail's personalization finds it.
// Here only a keyed digest of it is kept, in the place of that field's value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "domain/contact.h"
#include "domain/ids.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::members {

// Job kind: writes a token to the field of a contact that has none.
inline constexpr std::string_view kLinkTokenJob = "link_token";

// Immutable.
class LinkTokens {
 public:
  // `field`: the personalization tag, upper-case; empty: links carry no token. `keys` must outlive
  // this.
  LinkTokens(const passwords::KeyRing& keys, std::string field)
      : keys_(keys), field_(std::move(field)) {}

  bool wanted() const { return !field_.empty(); }
  const std::string& field() const { return field_; }

  // Puts the digest in the place of the field's text that was read; an empty one stays empty.
  void conceal(ContactId contact, FieldValues& fields) const;
  // What is kept of a token: printable, of this contact alone.
  std::string digest(ContactId contact, std::string_view token) const;

  bool isKnown(const Contact& contact) const;  // the contact has one
  // Whether `token` is what the contact's field holds. Constant in time.
  bool matches(const Contact& contact, std::string_view token) const;

  // The token of a job, 128 bits as 22 characters: the same as often as the job is run, so that it
  // need not be kept anywhere.
  Secret make(ContactId contact, JobId job) const;

 private:
  std::string mac(std::string_view purpose, std::string_view bytes) const;

  const passwords::KeyRing& keys_;
  const std::string field_;
};

// A pull showed that the field of `contact` is empty: adds its job, in the backfill lane, unless
// one is open or the contact has no credential.
void enqueueLinkToken(store::Transaction& tx, ContactId contact);

// The contact's field holds that token now.
void saveLinkToken(store::Transaction& tx, const LinkTokens& tokens, ContactId contact,
                   const Secret& token);

}  // namespace mbr::members
