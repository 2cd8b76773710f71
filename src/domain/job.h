// One pending piece of work that must reach ActiveCampaign.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/ids.h"

namespace mbr {

// Who waits decides who goes first; lower goes first.
enum class Lane {
  kLogin = 0,
  kSite = 1,
  kPassword = 2,
  kRefresh = 3,
  kReconcile = 4,
  kBackfill = 5
};
inline constexpr int kLaneCount = 6;
// Somebody waits for it at a screen.
inline bool isForPeople(Lane lane) { return lane <= Lane::kSite; }
std::string_view toString(Lane lane);

// The moves are drawn in src/outbox/README.md.
enum class JobState {
  kWaiting = 0,  // for the job `after` to end well
  kQueued = 1,   // due at `dueAt`
  kRunning = 2,  // claimed until `leaseUntil`
  kDone = 3,
  kRefused = 4,  // ActiveCampaign said no to all or part of it, for good
  kDead = 5,     // given up, with a reason
  kDropped = 6,  // by the operator
};
enum class JobEvent {
  kReleased,
  kClaimed,
  kSucceeded,
  kRefused,
  kFailed,
  kGaveUp,
  kLeaseEnded,
  kSatisfied,  // another read or write did its work
  kDropped,
  kRevived  // by the operator
};
std::string_view toString(JobState state);
bool isOpen(JobState state);  // waiting, queued or running

// The state after `event`, or nothing if the event cannot happen there. Pure.
std::optional<JobState> next(JobState state, JobEvent event);

// How long to wait before try number `attempts` + 1: full jitter over 2 s * 2^attempts, at most
// 1 h, at least 250 ms. `unit` is random in [0, 1). Pure.
Milliseconds backoff(int attempts, double unit);
inline constexpr std::chrono::hours kJobLife{7 * 24};  // then it is dead

struct Job {
  JobId id = 0;
  std::string kind;  // which handler: "password", "follow_up", "refresh", "tags", ...
  Lane lane = Lane::kBackfill;
  JobState state = JobState::kQueued;
  std::optional<ContactId> contactId;
  // At most one open job per kind and key. "" = no such bound.
  std::string key;
  std::string payload;  // JSON, what to do and how far it got; holds no secret
  std::string sealed;   // a sealed secret, wiped when it has done its work
  std::string result;   // JSON, once it has ended
  std::string reason;   // why it waits again, was refused or is dead; safe to show
  JobId after = 0;      // the job it waits for
  int attempts = 0;
  Instant createdAt{};
  Instant dueAt{};
  Instant leaseUntil{};
  Instant endedAt{};
};

}  // namespace mbr
