// Slows down whoever guesses passwords. The rules are in throttle_rules.h.
//
// A try is reserved before the password is hashed, as if it had failed already, so tries sent at
// the same time do not slip past each other. Counters are kept by keyed digests: neither memory
// nor database shows an e-mail or an address.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "access/address.h"
#include "access/lru_map.h"
#include "access/throttle_rules.h"
#include "base/clock.h"
#include "base/result.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::access {

// Names a try that was admitted. 0 = none.
using ThrottleTicket = std::uint64_t;

struct Admission {
  bool allowed = false;
  Milliseconds retryAfter{0};  // > 0 if refused
  bool knownPair = false;      // account and address have logged in within 30 days
  ThrottleTicket ticket = 0;   // to be given to failed(), succeeded() or released(); 0 if refused
};

// Thread-safe. admit() and the three answers work in memory and never wait; load() and flush() use
// the store and are for the start and for a background thread.
class Throttle {
 public:
  struct Options {
    // Half of it for counters, half for pairs that have logged in; the longest unused go first.
    std::size_t maxEntries = 200'000;
  };

  // All must outlive the object.
  Throttle(store::Store& store, const passwords::KeyRing& keys, const Clock& clock)
      : Throttle(store, keys, clock, Options{}) {}
  Throttle(store::Store& store, const passwords::KeyRing& keys, const Clock& clock,
           Options options);

  // May this try go on? A refused one neither counts nor prolongs the wait. `account` is the
  // normalised e-mail, or the text as sent if it is none: unknown ones count the same.
  Admission admit(std::string_view account, const std::optional<Address>& address);

  // How an admitted try ended. A ticket is good for one answer, later ones do nothing; a try that
  // has no answer after a minute counts as failed.
  void failed(ThrottleTicket ticket);
  void succeeded(ThrottleTicket ticket);  // forgets the pair's failures and makes it known
  void released(ThrottleTicket ticket);   // was not carried out: as if it had never been

  // Reads what an earlier process counted. Once, before the first admit(). Errors: the store's.
  Outcome load();

  // Writes what has changed; to be called at least every second and once at the end, by one
  // thread. Errors: the store's; what was not written is written by the next call.
  Outcome flush();

 private:
  using Key = std::array<char, 16>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const {  // digests are evenly spread as they are
      std::size_t out = 0;
      std::memcpy(&out, key.data(), sizeof out);
      return out;
    }
  };
  struct Counter {
    Tally tally;
    int open = 0;          // tries admitted and not yet answered
    Instant lastOpenAt{};  // when the last of them was admitted
  };
  struct Try {
    Key account{};
    std::optional<Key> address;
    std::optional<Key> pair;
    Instant at{};
  };
  enum class Answer { kFailed, kSucceeded, kReleased };

  Key keyOf(std::string_view kind, std::string_view text) const;
  Try tryOf(std::string_view account, const std::optional<Address>& address) const;

  // With mutex_ held:
  Tally tallyOf(const Key& key, Instant now);
  bool isKnown(const Key& pair, Instant now);
  void open(const Key& key, Instant now);
  void close(const Key& key, const Try& attempt, Answer answer);
  void answer(ThrottleTicket ticket, Answer answer);
  void answerLost(Instant now);
  std::optional<store::ThrottleRecord> recordOf(const Key& key);

  store::Store& store_;
  const Clock& clock_;
  const Options options_;
  const Secret digestKey_;

  std::mutex mutex_;
  LruMap<Key, Counter, KeyHash> counters_;         // guarded by mutex_
  LruMap<Key, Instant, KeyHash> knownPairs_;       // guarded by mutex_: last success
  std::unordered_map<ThrottleTicket, Try> tries_;  // guarded by mutex_
  std::unordered_set<Key, KeyHash> changed_;       // guarded by mutex_
  ThrottleTicket lastTicket_ = 0;                  // guarded by mutex_
  Instant prunedAt_{};                             // flushing thread only
};

// What the store says of tries for `account` from `address`, a second behind at most. For whoever
// is to explain a refusal.
Tallies readTallies(store::Reader& reader, const passwords::KeyRing& keys, std::string_view account,
                    const std::optional<Address>& address, Instant now);

}  // namespace mbr::access
