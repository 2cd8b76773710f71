#include "access/throttle.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mbr::access {
namespace {

constexpr std::chrono::minutes kLostAfter{1};
constexpr std::chrono::hours kPruneInterval{1};

constexpr std::size_t kKeyBytes = 16;

// The oldest key: counters and known pairs should outlive a rotation of the master key.
Secret digestKeyOf(const passwords::KeyRing& keys) {
  return keys.subkey("throttle", keys.oldestId()).value();
}

std::string digestOf(const Secret& digestKey, std::string_view kind, std::string_view text) {
  std::string bytes(kind);
  bytes.append(text);
  return passwords::hmacSha256(digestKey, bytes).substr(0, kKeyBytes);
}

// The address has one of two lengths, so it is told apart from the account behind it.
std::string pairText(const Address& address, std::string_view account) {
  const char length = static_cast<char>(address.bytes().size());
  return length + address.bytes() + std::string(account);
}

}  // namespace

Throttle::Throttle(store::Store& store, const passwords::KeyRing& keys, const Clock& clock,
                   Options options)
    : store_(store),
      clock_(clock),
      options_(options),
      digestKey_(digestKeyOf(keys)),
      counters_(std::max<std::size_t>(options.maxEntries / 2, 1)),
      knownPairs_(std::max<std::size_t>(options.maxEntries / 2, 1)) {}

Throttle::Key Throttle::keyOf(std::string_view kind, std::string_view text) const {
  const std::string digest = digestOf(digestKey_, kind, text);
  Key key{};
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

Throttle::Try Throttle::tryOf(std::string_view account,
                              const std::optional<Address>& address) const {
  Try attempt;
  attempt.account = keyOf("account:", account);
  if (!address) return attempt;
  attempt.address = keyOf("address:", address->bytes());
  attempt.pair = keyOf("pair:", pairText(*address, account));
  return attempt;
}

Tally Throttle::tallyOf(const Key& key, Instant now) {
  const Counter* counter = counters_.find(key);
  if (counter == nullptr) return {};
  Tally tally = asOf(counter->tally, now);
  if (counter->open == 0) return tally;
  // Each open try counts as a failure already.
  if (tally.failures == 0) tally.firstAt = counter->lastOpenAt;
  tally.failures += counter->open;
  tally.lastAt = std::max(tally.lastAt, counter->lastOpenAt);
  return tally;
}

bool Throttle::isKnown(const Key& pair, Instant now) {
  const Instant* succeededAt = knownPairs_.find(pair);
  return succeededAt != nullptr && now - *succeededAt < kKnownPairLife;
}

void Throttle::open(const Key& key, Instant now) {
  Counter& counter = counters_.obtain(key);
  ++counter.open;
  counter.lastOpenAt = now;
}

Admission Throttle::admit(std::string_view account, const std::optional<Address>& address) {
  Try attempt = tryOf(account, address);
  const Instant now = clock_.now();
  attempt.at = now;
  Admission admission;

  const std::lock_guard lock(mutex_);
  Tallies tallies;
  tallies.account = tallyOf(attempt.account, now);
  if (attempt.pair) {
    tallies.pair = tallyOf(*attempt.pair, now);
    tallies.address = tallyOf(*attempt.address, now);
    tallies.knownPair = isKnown(*attempt.pair, now);
  }
  admission.knownPair = tallies.knownPair;
  admission.retryAfter = waitFor(tallies, now);
  admission.allowed = admission.retryAfter == Milliseconds{0};
  if (!admission.allowed) return admission;

  open(attempt.account, now);
  if (attempt.address) open(*attempt.address, now);
  if (attempt.pair) open(*attempt.pair, now);
  admission.ticket = ++lastTicket_;
  tries_.emplace(admission.ticket, attempt);
  return admission;
}

void Throttle::failed(ThrottleTicket ticket) {
  const std::lock_guard lock(mutex_);
  answer(ticket, Answer::kFailed);
}

void Throttle::succeeded(ThrottleTicket ticket) {
  const std::lock_guard lock(mutex_);
  answer(ticket, Answer::kSucceeded);
}

void Throttle::released(ThrottleTicket ticket) {
  const std::lock_guard lock(mutex_);
  answer(ticket, Answer::kReleased);
}

void Throttle::answer(ThrottleTicket ticket, Answer answer) {
  const auto found = tries_.find(ticket);
  if (found == tries_.end()) return;
  const Try attempt = found->second;
  tries_.erase(found);
  if (attempt.pair && answer == Answer::kSucceeded) {
    if (Counter* counter = counters_.find(*attempt.pair)) counter->tally = {};
    knownPairs_.obtain(*attempt.pair) = clock_.now();
    changed_.insert(*attempt.pair);
  }
  close(attempt.account, attempt, answer);
  if (attempt.address) close(*attempt.address, attempt, answer);
  if (attempt.pair) close(*attempt.pair, attempt, answer);
}

void Throttle::close(const Key& key, const Try& attempt, Answer answer) {
  Counter* counter = counters_.find(key);
  if (counter != nullptr) counter->open = std::max(counter->open - 1, 0);
  if (answer == Answer::kFailed) {
    Counter& counted = counters_.obtain(key);  // it may have been forgotten meanwhile
    // A later try may have failed before this one did; nothing failed later than now.
    const Instant last = std::min(counted.tally.lastAt, clock_.now());
    counted.tally = withFailure(counted.tally, std::max(last, attempt.at));
    changed_.insert(key);
  } else if (counter != nullptr && counter->open == 0 && counter->tally.failures == 0) {
    counters_.erase(key);
  }
}

void Throttle::answerLost(Instant now) {
  std::vector<ThrottleTicket> lost;
  for (const auto& [ticket, attempt] : tries_) {
    if (now - attempt.at >= kLostAfter) lost.push_back(ticket);
  }
  for (const ThrottleTicket ticket : lost) answer(ticket, Answer::kFailed);
}

std::optional<store::ThrottleRecord> Throttle::recordOf(const Key& key) {
  const Counter* counter = counters_.find(key);
  const Instant* succeededAt = knownPairs_.find(key);
  if (counter == nullptr && succeededAt == nullptr) return std::nullopt;
  store::ThrottleRecord record;
  record.key.assign(key.data(), key.size());
  if (counter != nullptr) {
    record.failures = counter->tally.failures;
    record.firstFailureAt = counter->tally.firstAt;
    record.lastFailureAt = counter->tally.lastAt;
  }
  if (succeededAt != nullptr) record.succeededAt = *succeededAt;
  return record;
}

Outcome Throttle::load() {
  std::vector<store::ThrottleRecord> records;
  const Instant now = clock_.now();
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    records = reader.listThrottle(now - kKnownPairLife, static_cast<int>(options_.maxEntries));
    return Done{};
  });
  if (!read) return read;
  const auto usedAt = [](const store::ThrottleRecord& record) {
    return std::max(record.lastFailureAt, record.succeededAt.value_or(Instant{}));
  };
  std::sort(records.begin(), records.end(),
            [&](const auto& a, const auto& b) { return usedAt(a) < usedAt(b); });
  const std::lock_guard lock(mutex_);
  for (const store::ThrottleRecord& record : records) {
    Key key{};
    if (record.key.size() != key.size()) continue;
    std::copy(record.key.begin(), record.key.end(), key.begin());
    const Tally tally = asOf({record.failures, record.firstFailureAt, record.lastFailureAt}, now);
    if (tally.failures > 0) counters_.obtain(key).tally = tally;
    if (record.succeededAt) knownPairs_.obtain(key) = *record.succeededAt;
  }
  return Done{};
}

Outcome Throttle::flush() {
  const Instant now = clock_.now();
  std::unordered_set<Key, KeyHash> taken;
  std::vector<store::ThrottleRecord> records;
  {
    const std::lock_guard lock(mutex_);
    answerLost(now);
    taken.swap(changed_);
    for (const Key& key : taken) {
      if (auto record = recordOf(key)) records.push_back(*std::move(record));
    }
  }
  const bool prune = now - prunedAt_ >= kPruneInterval || now < prunedAt_;
  if (records.empty() && !prune) return Done{};
  const Outcome saved = store_.write([&](store::Transaction& tx) -> Outcome {
    for (const store::ThrottleRecord& record : records) tx.saveThrottle(record);
    if (prune) tx.deleteThrottle(now - kThrottleWindow, now - kKnownPairLife);
    return Done{};
  });
  if (saved) {
    if (prune) prunedAt_ = now;
    return saved;
  }
  const std::lock_guard lock(mutex_);
  changed_.insert(taken.begin(), taken.end());
  return saved;
}

Tallies readTallies(store::Reader& reader, const passwords::KeyRing& keys, std::string_view account,
                    const std::optional<Address>& address, Instant now) {
  const Secret digestKey = digestKeyOf(keys);
  const auto find = [&](std::string_view kind, std::string_view text) {
    return reader.findThrottle(digestOf(digestKey, kind, text));
  };
  const auto tallyOf = [&](const std::optional<store::ThrottleRecord>& record) {
    if (!record) return Tally{};
    return asOf({record->failures, record->firstFailureAt, record->lastFailureAt}, now);
  };
  Tallies tallies;
  tallies.account = tallyOf(find("account:", account));
  if (!address) return tallies;
  const auto pair = find("pair:", pairText(*address, account));
  tallies.pair = tallyOf(pair);
  tallies.address = tallyOf(find("address:", address->bytes()));
  tallies.knownPair = pair && pair->succeededAt && now - *pair->succeededAt < kKnownPairLife;
  return tallies;
}

}  // namespace mbr::access
