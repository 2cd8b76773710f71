// The hot contacts, parsed and rendered, in front of the store.
//
// Bounded in bytes, least recently used goes first. A commit that changes a contact drops it here
// before anyone learns that the commit happened, so nobody reads his own write stale; a reader that
// began before the commit does not put the old row back (a generation per shard).
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "contacts/directories.h"
#include "domain/contact.h"
#include "store/store.h"

namespace mbr::contacts {

struct CachedContact {
  Contact contact;
  std::string json;  // renderContact
  std::string etag;  // strong, quoted: changes with every change a reader can see
};
using CachedContactPtr = std::shared_ptr<const CachedContact>;

// Thread-safe. A miss reads the store on the caller's thread.
class ContactCache {
 public:
  struct Options {
    std::size_t maxBytes = 64 * 1024 * 1024;
    std::set<std::string> hiddenFields{};  // in no JSON; personalization tags, upper-case
  };

  // `store` and `directories` must outlive the cache.
  ContactCache(store::Store& store, const Directories& directories, Options options);
  ~ContactCache();
  ContactCache(const ContactCache&) = delete;
  ContactCache& operator=(const ContactCache&) = delete;

  // The contact, or null if the store has none. Deleted contacts are found (deletedAt is set).
  // Errors: kUnavailable.
  Result<CachedContactPtr> findById(ContactId id);
  Result<CachedContactPtr> findByEmail(const Email& email);

  // Drops what the changes name; everything if a directory changed. For the store's listener.
  void invalidate(const std::vector<store::Change>& changes);

  std::size_t bytes() const;  // an estimate of what is held now

 private:
  class Shards;
  store::Store& store_;
  const Directories& directories_;
  const std::set<std::string> hiddenFields_;
  std::unique_ptr<Shards> shards_;
};

// {"id":"42","email":…,"first_name":…,"last_name":…,"phone":…,"tags":[{"id","name"}],
// "fields":{PERSTAG:value},"lists":[{"id","status"}],"created_at","updated_at","as_of",
// "confirmed","version"}: ids as strings, list status as ActiveCampaign's number, absent times
// null, an absent e-mail null. Fields in `hidden` are left out.
std::string renderContact(const Contact& contact, const Names& names,
                          const std::set<std::string>& hidden = {});

}  // namespace mbr::contacts
