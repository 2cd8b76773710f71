// Sessions of members who have logged in. The token is opaque; its SHA-256 is what is kept.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/ids.h"
#include "store/store.h"

namespace mbr::access {

// The cookie that holds a session's token in a browser.
inline constexpr std::string_view kSessionCookie = "membergate_session";

struct Session {
  ContactId contactId = 0;
  std::string via;  // "password" or "link"
  Instant createdAt{};
  Instant expiresAt{};  // by idling or for good, whichever comes first; moves with use
};

// Thread-safe. Nothing here waits for a write, so fast workers may call all of it.
class Sessions {
 public:
  struct Options {
    std::chrono::milliseconds idle = std::chrono::hours{12};
    std::chrono::milliseconds absolute = std::chrono::hours{30 * 24};
  };

  // All must outlive the object.
  Sessions(store::Store& store, Random& random, const Clock& clock)
      : Sessions(store, random, clock, Options{}) {}
  Sessions(store::Store& store, Random& random, const Clock& clock, Options options)
      : store_(store), random_(random), clock_(clock), options_(options) {}

  struct Prepared {
    Secret token;                 // 43 characters, for the member
    store::SessionRecord record;  // for Transaction::saveSession, in the login's own transaction
  };
  Prepared prepare(ContactId contact, std::string_view via);

  // The session of a token, or nothing if there is none in force. Use moves the idle end; that is
  // written at most once in 5 minutes (or idle / 10, if less), so a session may end by that much
  // earlier than `idle` after its last use, never later. Errors: those of the store.
  Result<std::optional<Session>> find(std::string_view token);

  // Ends the session; `done` hears of it after the commit, on the store's thread, and may be
  // empty. An unknown token is no error.
  void end(std::string_view token, store::Store::DoneFn done = {});

  // The session as its record has it at `now`, or nothing if it is over.
  std::optional<Session> inForce(const store::SessionRecord& record, Instant now) const;

 private:
  void noteUse(const store::SessionRecord& record, Instant now);

  store::Store& store_;
  Random& random_;
  const Clock& clock_;
  const Options options_;
};

}  // namespace mbr::access
