#include "contacts/contact_cache.h"

#include <array>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/encoding.h"

namespace mbr::contacts {
namespace {

constexpr std::size_t kShards = 16;

// What a cached contact costs in memory, roughly: its text twice (parsed and rendered), the nodes
// of the maps and the allocator's share.
std::size_t costOf(const CachedContact& cached) { return 2 * cached.json.size() + 1024; }

// Changes whenever a reader could see a difference: the version counts the contact's own changes;
// bookkeeping (as_of, confirmed) and renamed tags show in the text alone.
std::string etagOf(const Contact& contact, const std::string& json) {
  const auto digest = static_cast<std::uint64_t>(std::hash<std::string>{}(json));
  std::string bytes(sizeof digest, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(digest >> (8 * i));
  return '"' + std::to_string(contact.version) + '-' + toBase64Url(bytes) + '"';
}

}  // namespace

// Contacts by id, spread over shards with a lock each; e-mails lead to ids and are checked against
// the contact they lead to.
class ContactCache::Shards {
 public:
  explicit Shards(std::size_t maxBytes) : maxBytesPerShard_(maxBytes / kShards) {}

  CachedContactPtr find(ContactId id) {
    Shard& shard = of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.byId.find(id);
    if (found == shard.byId.end()) return nullptr;
    shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
    return *found->second;
  }

  std::uint64_t generation(ContactId id) {
    Shard& shard = of(id);
    const std::lock_guard lock(shard.mutex);
    return shard.generation;
  }

  // Does nothing if anything of the shard was dropped since `generation` was taken.
  void put(const CachedContactPtr& cached, std::uint64_t generation) {
    Shard& shard = of(cached->contact.id);
    {
      const std::lock_guard lock(shard.mutex);
      if (shard.generation != generation) return;
      erase(shard, cached->contact.id);
      shard.recent.push_front(cached);
      shard.byId[cached->contact.id] = shard.recent.begin();
      shard.bytes += costOf(*cached);
      while (shard.bytes > maxBytesPerShard_ && shard.recent.size() > 1) {
        erase(shard, shard.recent.back()->contact.id);
      }
    }
    if (cached->contact.email) remember(*cached->contact.email, cached->contact.id);
  }

  std::optional<ContactId> idOf(const Email& email) {
    EmailShard& shard = of(email);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.ids.find(email.text());
    if (found == shard.ids.end()) return std::nullopt;
    return found->second;
  }

  void drop(ContactId id) {
    Shard& shard = of(id);
    const std::lock_guard lock(shard.mutex);
    ++shard.generation;
    erase(shard, id);
  }

  void dropAll() {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      ++shard.generation;
      shard.byId.clear();
      shard.recent.clear();
      shard.bytes = 0;
    }
    for (EmailShard& shard : emails_) {
      const std::lock_guard lock(shard.mutex);
      shard.ids.clear();
    }
  }

  std::size_t bytes() {
    std::size_t sum = 0;
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      sum += shard.bytes;
    }
    return sum;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::list<CachedContactPtr> recent;  // most recently used first
    std::unordered_map<ContactId, std::list<CachedContactPtr>::iterator> byId;
    std::size_t bytes = 0;
    std::uint64_t generation = 0;
  };
  struct EmailShard {
    std::mutex mutex;
    std::unordered_map<std::string, ContactId> ids;
  };

  Shard& of(ContactId id) { return shards_[static_cast<std::size_t>(id) % kShards]; }
  EmailShard& of(const Email& email) {
    return emails_[std::hash<std::string>{}(email.text()) % kShards];
  }

  static void erase(Shard& shard, ContactId id) {
    const auto found = shard.byId.find(id);
    if (found == shard.byId.end()) return;
    shard.bytes -= costOf(**found->second);
    shard.recent.erase(found->second);
    shard.byId.erase(found);
  }

  // An e-mail may outlive its contact here, since what it leads to is checked; the bound keeps that
  // from growing without end.
  void remember(const Email& email, ContactId id) {
    EmailShard& shard = of(email);
    const std::lock_guard lock(shard.mutex);
    if (shard.ids.size() > maxBytesPerShard_ / 512 + 16) shard.ids.clear();
    shard.ids[email.text()] = id;
  }

  const std::size_t maxBytesPerShard_;
  std::array<Shard, kShards> shards_;
  std::array<EmailShard, kShards> emails_;
};

ContactCache::ContactCache(store::Store& store, const Directories& directories, Options options)
    : store_(store),
      directories_(directories),
      hiddenFields_(std::move(options.hiddenFields)),
      shards_(std::make_unique<Shards>(options.maxBytes)) {}

ContactCache::~ContactCache() = default;

namespace {

CachedContactPtr rendered(Contact contact, const Names& names,
                          const std::set<std::string>& hidden) {
  auto cached = std::make_shared<CachedContact>();
  cached->json = renderContact(contact, names, hidden);
  cached->etag = etagOf(contact, cached->json);
  cached->contact = std::move(contact);
  return cached;
}

}  // namespace

Result<CachedContactPtr> ContactCache::findById(ContactId id) {
  if (auto cached = shards_->find(id)) return cached;
  const std::uint64_t generation = shards_->generation(id);
  std::optional<Contact> contact;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    contact = reader.findContact(id);
    return Done{};
  });
  if (!read) return read.error();
  if (!contact) return CachedContactPtr();
  CachedContactPtr cached = rendered(std::move(*contact), *directories_.names(), hiddenFields_);
  shards_->put(cached, generation);
  return cached;
}

Result<CachedContactPtr> ContactCache::findByEmail(const Email& email) {
  if (const auto id = shards_->idOf(email)) {
    auto cached = shards_->find(*id);
    if (cached && cached->contact.email == email) return cached;
  }
  // Which shard the contact lies in is known only once its id is, so the id is read first.
  std::optional<ContactId> id;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    if (const auto contact = reader.findContactByEmail(email)) id = contact->id;
    return Done{};
  });
  if (!read) return read.error();
  if (!id) return CachedContactPtr();
  auto cached = findById(*id);
  if (cached && *cached && (*cached)->contact.email != email) {
    // What is cached is from before a commit that is not announced yet.
    shards_->drop(*id);
    cached = findById(*id);
  }
  if (cached && *cached && (*cached)->contact.email != email) return CachedContactPtr();
  return cached;
}

void ContactCache::invalidate(const std::vector<store::Change>& changes) {
  for (const store::Change& change : changes) {
    if (change.kind == store::ChangeKind::kContact || change.kind == store::ChangeKind::kTouched) {
      shards_->drop(change.ref);
    }
    if (change.kind == store::ChangeKind::kDirectory) return shards_->dropAll();
  }
}

std::size_t ContactCache::bytes() const { return shards_->bytes(); }

}  // namespace mbr::contacts
