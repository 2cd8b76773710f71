#include "access/api_keys.h"

#include <algorithm>
#include <utility>

#include "access/audit.h"
#include "access/digest.h"
#include "access/names.h"
#include "base/encoding.h"

namespace mbr::access {
namespace {

constexpr std::string_view kStart = "mbr_";
constexpr std::size_t kPrefixLength = 8;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kKeyLength = 4 + kPrefixLength + 1 + 43;
constexpr std::string_view kPrefixAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

std::string newPrefix(Random& random) {
  std::string out;
  for (std::size_t i = 0; i < kPrefixLength; ++i) {
    out.push_back(
        kPrefixAlphabet[random.below(static_cast<std::uint32_t>(kPrefixAlphabet.size()))]);
  }
  return out;
}

Secret newKey(const std::string& prefix, Random& random) {
  const Secret bytes = Secret::take(random.bytes(kSecretBytes));
  const Secret text = Secret::take(toBase64Url(bytes.reveal()));
  std::string key;
  key.reserve(kKeyLength);
  key.append(kStart).append(prefix).append("_").append(text.reveal());
  return Secret::take(std::move(key));
}

bool startsWithIgnoringCase(std::string_view text, std::string_view lowerCase) {
  return text.size() >= lowerCase.size() &&
         std::equal(lowerCase.begin(), lowerCase.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
         });
}

ApiKeyEntry entryOf(const store::ApiKeyRecord& record) {
  ApiKeyEntry entry;
  entry.id = record.id;
  entry.name = record.name;
  entry.prefix = record.prefix;
  if (const auto scopes = Scopes::parse(record.scopes)) entry.scopes = *scopes;
  entry.createdAt = record.createdAt;
  entry.revokedAt = record.revokedAt;
  return entry;
}

}  // namespace

ApiKeys::ApiKeys(store::Store& store, Random& random, const Clock& clock)
    : store_(store), random_(random), active_("api_keys", clock, [this] { return load(); }) {}

Result<Secret> ApiKeys::create(std::string_view name, Scopes scopes, std::string_view actor) {
  if (auto valid = checkName(name); !valid) return valid.error();
  if (scopes.empty()) return Error{Code::kInvalid, "A key needs at least one scope."};
  Secret key;
  const Outcome saved = store_.write([&](store::Transaction& tx) -> Outcome {
    store::ApiKeyRecord record;
    record.prefix = newPrefix(random_);
    for (const store::ApiKeyRecord& other : tx.listApiKeys()) {
      if (other.prefix == record.prefix) {
        return Error{Code::kConflict, "The new key's public part was taken; try again."};
      }
      if (other.name == name && !other.revokedAt) {
        return Error{Code::kConflict, "A key of that name is in force; revoke it first."};
      }
    }
    key = newKey(record.prefix, random_);
    record.name = name;
    record.digest = sha256(key.reveal());
    record.scopes = scopes.text();
    record.createdAt = tx.now();
    tx.addApiKey(record);
    tx.addAudit(audit(tx.now(), actor, "key_created", record.name + " " + record.scopes));
    return Done{};
  });
  if (!saved) return saved.error();
  active_.markStale();
  return key;
}

Result<std::vector<ApiKeyEntry>> ApiKeys::list() {
  std::vector<ApiKeyEntry> entries;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    entries.clear();
    for (const auto& record : reader.listApiKeys()) entries.push_back(entryOf(record));
    return Done{};
  });
  if (!read) return read.error();
  return entries;
}

Outcome ApiKeys::revoke(std::string_view name, std::string_view actor) {
  const Outcome revoked = store_.write([&](store::Transaction& tx) -> Outcome {
    if (!tx.revokeApiKey(name)) return Error{Code::kNotFound, "No key of that name is in force."};
    tx.addAudit(audit(tx.now(), actor, "key_revoked", name));
    return Done{};
  });
  if (revoked) active_.markStale();
  return revoked;
}

Result<ApiKeys::Active> ApiKeys::load() {
  Active active;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    active.clear();
    for (const auto& record : reader.listApiKeys()) {
      if (record.revokedAt) continue;
      active[record.prefix] = {record.digest, {record.id, record.name, entryOf(record).scopes}};
    }
    return Done{};
  });
  if (!read) return read.error();
  return active;
}

Result<Caller> ApiKeys::authenticate(std::string_view authorizationHeader) {
  constexpr std::string_view kScheme = "bearer ";
  if (!startsWithIgnoringCase(authorizationHeader, kScheme)) {
    return Error{Code::kDenied, "no bearer key was sent"};
  }
  authorizationHeader.remove_prefix(kScheme.size());
  const auto first = authorizationHeader.find_first_not_of(' ');
  if (first == std::string_view::npos) return Error{Code::kDenied, "no bearer key was sent"};
  const auto last = authorizationHeader.find_last_not_of(' ');
  return authenticateKey(authorizationHeader.substr(first, last - first + 1));
}

Result<Caller> ApiKeys::authenticateKey(std::string_view key) {
  const auto active = active_.get();
  if (active == nullptr) return Error{Code::kUnavailable, "the keys could not be read"};
  if (key.size() != kKeyLength || key.substr(0, kStart.size()) != kStart) {
    return Error{Code::kDenied, "not a key"};
  }
  const auto found = active->find(std::string(key.substr(kStart.size(), kPrefixLength)));
  // A prefix is public; only the comparison of the digests must take the same time.
  if (found == active->end() || !equalInConstantTime(found->second.digest, sha256(key))) {
    return Error{Code::kDenied, "no such key is in force"};
  }
  return found->second.caller;
}

Result<Caller> ApiKeys::find(std::int64_t id) {
  const auto active = active_.get();
  if (active == nullptr) return Error{Code::kUnavailable, "the keys could not be read"};
  for (const auto& [prefix, known] : *active) {
    if (known.caller.id == id) return known.caller;
  }
  return Error{Code::kDenied, "no such key is in force"};
}

}  // namespace mbr::access
