// Security codes: what ActiveCampaign and AM360-style callers put into a URL.
//
// The database keeps keyed digests only. A code is accepted for the purposes it was made for.
// Beside them, the purpose `events` takes the derived code of our own event webhook
// (event_hook_code.h) of the epoch in force, of the one before it for 24 h after a rotation, and
// of the next one: another process may have rotated and registered it a moment ago.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/purposes.h"
#include "access/snapshot.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::access {

struct CodeInfo {
  std::int64_t id = 0;  // 0 for the event webhook's own code
  std::string name;
};

struct CodeEntry {
  std::int64_t id = 0;
  std::string name;
  Purposes purposes;
  bool isShort = false;  // taken over with fewer than 16 characters: worth a warning
  Instant createdAt{};
  std::optional<Instant> revokedAt;
};

// Thread-safe. authenticate() is for fast workers too: it works on a copy in memory, which after a
// change is read anew by the next caller. Functions that write wait for the commit, so they are for
// background threads and the command line.
class Codes {
 public:
  static constexpr std::size_t kShortBelow = 16;

  // All must outlive the object.
  Codes(store::Store& store, const passwords::KeyRing& keys, Random& random, const Clock& clock);

  // Makes a code of 32 letters and digits, which is shown this once. `actor` is for the audit.
  // Errors: kInvalid (name, purposes), kConflict (a code of that name is in force), those of the
  // store.
  Result<Secret> create(std::string_view name, Purposes purposes, std::string_view actor = "cli");

  // Takes an existing code over: 6 to 128 printable ASCII characters without blank, & and #.
  // Errors: as create(); also kInvalid (value), kConflict (the same code is in force already).
  Result<CodeEntry> takeOver(std::string_view name, Purposes purposes, const Secret& value,
                             std::string_view actor = "cli");

  // Oldest first, revoked ones too. Errors: those of the store.
  Result<std::vector<CodeEntry>> list();

  // Errors: kNotFound (none of that name is in force), those of the store.
  Outcome revoke(std::string_view name, std::string_view actor = "cli");

  // Who presents a code for `purpose`, or nothing. Takes the text after one percent-decoding.
  // Compares with every code of the purpose, so time tells neither which nor how far.
  std::optional<CodeInfo> authenticate(Purpose purpose, std::string_view presented);

  // The event webhook's code under the current key and epoch. Errors: those of the store.
  Result<Secret> currentEventHookCode();
  // Begins a new epoch; the code before it is taken for another 24 h. Other processes forget older
  // ones within a minute. Errors: those of the store.
  Result<Secret> rotateEventHookCode(std::string_view actor = "cli");

  // After a change of kind kCode; may be called by the store's listener.
  void onChange() { active_.markStale(); }

  // Reads the codes now, so that a start can fail. Errors: those of the store.
  Outcome reload() { return active_.reload(); }

 private:
  struct Known {
    CodeInfo info;
    std::size_t key = 0;  // index into Active::keys
    std::string digest;
  };
  struct HookCode {
    Secret text;
    std::optional<Instant> until;  // nothing = no end
  };
  struct Active {
    std::vector<passwords::Hmac> keys;  // of the subkeys that the digests were made with
    std::array<std::vector<Known>, kPurposeCount> codes;
    std::vector<HookCode> hook;
  };

  Result<Active> load();
  void addHookCodes(Active& active, std::int64_t epoch, std::optional<Instant> rotatedAt) const;
  Result<CodeEntry> add(std::string_view name, Purposes purposes, const Secret& value,
                        std::string_view actor);

  store::Store& store_;
  const passwords::KeyRing& keys_;
  Random& random_;
  const Clock& clock_;
  Snapshot<Active> active_;
};

}  // namespace mbr::access
