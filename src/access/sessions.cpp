#include "access/sessions.h"

#include <algorithm>
#include <utility>

#include "access/digest.h"
#include "base/encoding.h"
#include "ops/log.h"

namespace mbr::access {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenLength = 43;
constexpr std::chrono::milliseconds kNoteInterval = std::chrono::minutes{5};

}  // namespace

Sessions::Prepared Sessions::prepare(ContactId contact, std::string_view via) {
  const Secret bytes = Secret::take(random_.bytes(kTokenBytes));
  Prepared prepared;
  prepared.token = Secret::take(toBase64Url(bytes.reveal()));
  store::SessionRecord& record = prepared.record;
  record.digest = sha256(prepared.token.reveal());
  record.contactId = contact;
  record.via = via;
  record.createdAt = clock_.now();
  record.usedAt = record.createdAt;
  record.expiresAt = record.createdAt + options_.absolute;
  return prepared;
}

std::optional<Session> Sessions::inForce(const store::SessionRecord& record, Instant now) const {
  const Instant end = std::min(record.expiresAt, record.usedAt + options_.idle);
  if (now >= end) return std::nullopt;
  return Session{record.contactId, record.via, record.createdAt, end};
}

Result<std::optional<Session>> Sessions::find(std::string_view token) {
  if (token.size() != kTokenLength) return std::optional<Session>{};
  const std::string digest = sha256(token);
  std::optional<store::SessionRecord> record;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    record = reader.findSession(digest);
    return Done{};
  });
  if (!read) return read.error();
  if (!record) return std::optional<Session>{};
  const Instant now = clock_.now();
  auto session = inForce(*record, now);
  if (!session) {
    end(token);
    return session;
  }
  if (now - record->usedAt >= std::min(kNoteInterval, options_.idle / 10)) {
    noteUse(*record, now);
    session->expiresAt = std::min(record->expiresAt, now + options_.idle);
  }
  return session;
}

// Reads again within the transaction: the session may have ended since, and a save would bring it
// back to life.
void Sessions::noteUse(const store::SessionRecord& record, Instant now) {
  store_.submit(
      [digest = record.digest, now](store::Transaction& tx) -> Outcome {
        auto current = tx.findSession(digest);
        if (!current || current->usedAt >= now) return Done{};
        current->usedAt = now;
        tx.saveSession(*current);
        return Done{};
      },
      [](const Outcome& outcome) {
        if (outcome) return;
        ops::logWarning("session_use_not_noted", {{"detail", outcome.error().detail}});
      });
}

void Sessions::end(std::string_view token, store::Store::DoneFn done) {
  store_.submit(
      [digest = sha256(token)](store::Transaction& tx) -> Outcome {
        tx.deleteSession(digest);
        return Done{};
      },
      [done = std::move(done)](Outcome outcome) {
        if (done) return done(std::move(outcome));
        if (outcome) return;
        ops::logWarning("session_not_ended", {{"detail", outcome.error().detail}});
      });
}

}  // namespace mbr::access
