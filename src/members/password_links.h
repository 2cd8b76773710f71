// Links to the page where a member sets a password: each is good for one password.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "domain/ids.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::members {

// A link is the site's address, /membergate/link?t= and a token of 256 random bits. Here only a
// keyed digest of the token is kept; setting a password by any way burns all links of the contact.
//
// Immutable.
class PasswordLinks {
 public:
  struct Options {
    std::string publicUrl;  // https://www.example.com; empty: no links
    Milliseconds life = std::chrono::hours{7 * 24};
  };

  // Both must outlive this.
  PasswordLinks(const passwords::KeyRing& keys, Random& random, Options options)
      : keys_(keys), random_(random), options_(std::move(options)) {}

  bool available() const { return !options_.publicUrl.empty(); }

  struct Link {
    Secret url;
    Instant expiresAt{};
  };
  // A new link, remembered in the caller's transaction. Needs available().
  Link mint(store::Transaction& tx, ContactId contact) const;

  // Whose link it is. Nothing if it is unknown, used, or its time is over.
  std::optional<ContactId> ownerOf(store::Reader& reader, const Secret& token, Instant now) const;

  // Whether the text of the password field has the form of such a link, of whatever site: that is
  // no password.
  static bool isLink(const Secret& text);
  // The same as ownerOf(), for a link's text.
  std::optional<ContactId> ownerOfLink(store::Reader& reader, const Secret& text,
                                       Instant now) const;

 private:
  std::string digest(std::string_view token) const;

  const passwords::KeyRing& keys_;
  Random& random_;
  const Options options_;
};

}  // namespace mbr::members
