#include "access/codes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "access/audit.h"
#include "access/event_hook_code.h"
#include "access/names.h"
#include "ops/log.h"

namespace mbr::access {
namespace {

constexpr char kDigestPurpose[] = "code";
constexpr char kEpochMeta[] = "event_hook.epoch";
constexpr char kRotatedMeta[] = "event_hook.rotated_at";
constexpr std::chrono::hours kOldHookCodeLife{24};
constexpr std::size_t kCodeLength = 32;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

Secret newCode(Random& random) {
  std::string text;
  text.reserve(kCodeLength);
  for (std::size_t i = 0; i < kCodeLength; ++i) {
    text.push_back(kAlphabet[random.below(static_cast<std::uint32_t>(kAlphabet.size()))]);
  }
  return Secret::take(std::move(text));
}

Outcome checkValue(const std::string& value) {
  const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '&' && c != '#'; };
  if (value.size() < 6 || value.size() > 128 || !std::all_of(value.begin(), value.end(), fits)) {
    return Error{Code::kInvalid,
                 "A code taken over has 6 to 128 printable ASCII characters without blank, & "
                 "and #."};
  }
  return Done{};
}

std::int64_t numberIn(const std::optional<std::string>& text, std::int64_t fallback) {
  std::int64_t value = fallback;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::int64_t epochOf(store::Reader& reader) { return numberIn(reader.findMeta(kEpochMeta), 1); }

CodeEntry entryOf(const store::CodeRecord& record) {
  CodeEntry entry;
  entry.id = record.id;
  entry.name = record.name;
  if (const auto purposes = Purposes::parse(record.purposes)) entry.purposes = *purposes;
  entry.isShort = record.isShort;
  entry.createdAt = record.createdAt;
  entry.revokedAt = record.revokedAt;
  return entry;
}

}  // namespace

Codes::Codes(store::Store& store, const passwords::KeyRing& keys, Random& random,
             const Clock& clock)
    : store_(store), keys_(keys), random_(random), clock_(clock), active_("codes", clock, [this] {
        return load();
      }) {}

Result<Secret> Codes::create(std::string_view name, Purposes purposes, std::string_view actor) {
  Secret code = newCode(random_);
  if (auto added = add(name, purposes, code, actor); !added) return added.error();
  return code;
}

Result<CodeEntry> Codes::takeOver(std::string_view name, Purposes purposes, const Secret& value,
                                  std::string_view actor) {
  if (auto valid = checkValue(value.reveal()); !valid) return valid.error();
  return add(name, purposes, value, actor);
}

Result<CodeEntry> Codes::add(std::string_view name, Purposes purposes, const Secret& value,
                             std::string_view actor) {
  if (auto valid = checkName(name); !valid) return valid.error();
  if (auto valid = purposes.validate(); !valid) return valid.error();
  store::CodeRecord record;
  record.name = name;
  record.keyId = keys_.currentId();
  record.digest = keys_.mac(kDigestPurpose, value.reveal());
  record.purposes = purposes.text();
  record.isShort = value.size() < kShortBelow;
  const Outcome saved = store_.write([&](store::Transaction& tx) -> Outcome {
    for (const store::CodeRecord& other : tx.listCodes()) {
      if (other.revokedAt) continue;
      if (other.name == name) {
        return Error{Code::kConflict, "A code of that name is in force; revoke it first."};
      }
      const auto digest = keys_.mac(kDigestPurpose, value.reveal(), other.keyId);
      if (digest && equalInConstantTime(*digest, other.digest)) {
        return Error{Code::kConflict, "The same code is in force under another name."};
      }
    }
    record.createdAt = tx.now();
    record.id = tx.addCode(record);
    tx.addAudit(audit(tx.now(), actor, "code_created", record.name + " " + record.purposes));
    return Done{};
  });
  if (!saved) return saved.error();
  active_.markStale();
  return entryOf(record);
}

Result<std::vector<CodeEntry>> Codes::list() {
  std::vector<CodeEntry> entries;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    entries.clear();
    for (const store::CodeRecord& record : reader.listCodes()) entries.push_back(entryOf(record));
    return Done{};
  });
  if (!read) return read.error();
  return entries;
}

Outcome Codes::revoke(std::string_view name, std::string_view actor) {
  const Outcome revoked = store_.write([&](store::Transaction& tx) -> Outcome {
    if (!tx.revokeCode(name)) {
      return Error{Code::kNotFound, "No code of that name is in force."};
    }
    tx.addAudit(audit(tx.now(), actor, "code_revoked", name));
    return Done{};
  });
  if (revoked) active_.markStale();
  return revoked;
}

Result<Codes::Active> Codes::load() {
  std::vector<store::CodeRecord> records;
  std::int64_t epoch = 1;
  std::optional<Instant> rotatedAt;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    records = reader.listCodes();
    epoch = epochOf(reader);
    if (const auto text = reader.findMeta(kRotatedMeta)) rotatedAt = fromEpochMs(numberIn(text, 0));
    return Done{};
  });
  if (!read) return read.error();

  Active active;
  std::vector<std::string> keyIds;  // parallel to active.keys
  for (store::CodeRecord& record : records) {
    if (record.revokedAt) continue;
    auto known = std::find(keyIds.begin(), keyIds.end(), record.keyId);
    if (known == keyIds.end()) {
      auto key = keys_.subkey(kDigestPurpose, record.keyId);
      if (!key) {
        ops::logError("code_key_missing", {{"code_id", record.id}, {"key_id", record.keyId}});
        continue;
      }
      active.keys.emplace_back(*key);
      known = keyIds.insert(keyIds.end(), record.keyId);
    }
    const CodeEntry entry = entryOf(record);
    for (int i = 0; i < kPurposeCount; ++i) {
      if (!entry.purposes.has(static_cast<Purpose>(i))) continue;
      active.codes[static_cast<std::size_t>(i)].push_back(
          {{record.id, record.name},
           static_cast<std::size_t>(known - keyIds.begin()),
           record.digest});
    }
  }
  addHookCodes(active, epoch, rotatedAt);
  return active;
}

void Codes::addHookCodes(Active& active, std::int64_t epoch,
                         std::optional<Instant> rotatedAt) const {
  const auto add = [&](std::int64_t which, std::optional<Instant> until) {
    // Under every key: after a rotation of the master key the registered hook still has the old
    // one.
    for (const std::string& id : keys_.ids()) {
      active.hook.push_back({eventHookCode(keys_, id, which).value(), until});
    }
  };
  add(epoch, std::nullopt);
  add(epoch + 1, std::nullopt);
  if (rotatedAt) add(epoch - 1, *rotatedAt + kOldHookCodeLife);
}

std::optional<CodeInfo> Codes::authenticate(Purpose purpose, std::string_view presented) {
  const auto active = active_.get();
  if (active == nullptr) return std::nullopt;
  std::vector<std::string> digests;
  digests.reserve(active->keys.size());
  for (const passwords::Hmac& key : active->keys) digests.push_back(key.of(presented));

  const Known* match = nullptr;
  for (const Known& known : active->codes[static_cast<std::size_t>(purpose)]) {
    const bool same = equalInConstantTime(known.digest, digests[known.key]);
    match = same ? &known : match;
  }
  bool isHook = false;
  if (purpose == Purpose::kEvents) {
    const Instant now = clock_.now();
    for (const HookCode& code : active->hook) {
      const bool same = code.text.equals(presented);
      isHook |= same && (!code.until || now < *code.until);
    }
  }
  if (match != nullptr) return match->info;
  if (isHook) return CodeInfo{0, "event-hook"};
  return std::nullopt;
}

Result<Secret> Codes::currentEventHookCode() {
  std::int64_t epoch = 1;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    epoch = epochOf(reader);
    return Done{};
  });
  if (!read) return read.error();
  return eventHookCode(keys_, keys_.currentId(), epoch);
}

Result<Secret> Codes::rotateEventHookCode(std::string_view actor) {
  std::int64_t epoch = 0;
  const Outcome saved = store_.write([&](store::Transaction& tx) -> Outcome {
    epoch = epochOf(tx) + 1;
    tx.setMeta(kEpochMeta, std::to_string(epoch));
    tx.setMeta(kRotatedMeta, std::to_string(toEpochMs(tx.now())));
    tx.addAudit(audit(tx.now(), actor, "event_hook_rotated", std::to_string(epoch)));
    return Done{};
  });
  if (!saved) return saved.error();
  active_.markStale();
  return eventHookCode(keys_, keys_.currentId(), epoch);
}

}  // namespace mbr::access
