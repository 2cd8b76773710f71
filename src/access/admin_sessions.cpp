#include "access/admin_sessions.h"

#include <algorithm>
#include <utility>

#include "access/digest.h"
#include "base/encoding.h"

namespace mbr::access {
namespace {

constexpr std::size_t kTokenBytes = 32;

Result<Caller> onlyAdmin(Result<Caller> caller) {
  if (caller && !caller->scopes.has(Scope::kAdmin)) {
    return Error{Code::kDenied, "the key has not the scope admin"};
  }
  return caller;
}

}  // namespace

Result<Secret> AdminSessions::open(std::string_view key) {
  const auto caller = onlyAdmin(keys_.authenticateKey(key));
  if (!caller) return caller.error();
  const Secret bytes = Secret::take(random_.bytes(kTokenBytes));
  Secret token = Secret::take(toBase64Url(bytes.reveal()));
  const SteadyInstant now = clock_.steady();
  const std::lock_guard lock(mutex_);
  makeRoom(now);
  sessions_[sha256(token.reveal())] = {caller->id, now + kLife};
  return token;
}

Result<Caller> AdminSessions::find(std::string_view token) {
  std::int64_t keyId = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(sha256(token));
    if (found == sessions_.end() || found->second.endsAt <= clock_.steady()) {
      return Error{Code::kDenied, "no such session is in force"};
    }
    keyId = found->second.keyId;
  }
  return onlyAdmin(keys_.find(keyId));
}

void AdminSessions::end(std::string_view token) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(sha256(token));
}

void AdminSessions::makeRoom(SteadyInstant now) {
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    session = session->second.endsAt <= now ? sessions_.erase(session) : std::next(session);
  }
  if (sessions_.size() < kMost) return;
  sessions_.erase(std::min_element(
      sessions_.begin(), sessions_.end(),
      [](const auto& a, const auto& b) { return a.second.endsAt < b.second.endsAt; }));
}

}  // namespace mbr::access
