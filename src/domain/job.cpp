#include "domain/job.h"

#include <algorithm>

namespace mbr {

std::string_view toString(Lane lane) {
  switch (lane) {
    case Lane::kLogin:
      return "login";
    case Lane::kSite:
      return "site";
    case Lane::kPassword:
      return "password";
    case Lane::kRefresh:
      return "refresh";
    case Lane::kReconcile:
      return "reconcile";
    case Lane::kBackfill:
      return "backfill";
  }
  return "backfill";
}

std::string_view toString(JobState state) {
  switch (state) {
    case JobState::kWaiting:
      return "waiting";
    case JobState::kQueued:
      return "queued";
    case JobState::kRunning:
      return "running";
    case JobState::kDone:
      return "done";
    case JobState::kRefused:
      return "refused";
    case JobState::kDead:
      return "dead";
    case JobState::kDropped:
      return "dropped";
  }
  return "dead";
}

bool isOpen(JobState state) {
  return state == JobState::kWaiting || state == JobState::kQueued || state == JobState::kRunning;
}

std::optional<JobState> next(JobState state, JobEvent event) {
  switch (event) {
    case JobEvent::kReleased:
      return state == JobState::kWaiting ? std::optional(JobState::kQueued) : std::nullopt;
    case JobEvent::kClaimed:
      return state == JobState::kQueued ? std::optional(JobState::kRunning) : std::nullopt;
    case JobEvent::kSucceeded:
      return state == JobState::kRunning ? std::optional(JobState::kDone) : std::nullopt;
    case JobEvent::kRefused:
      return state == JobState::kRunning ? std::optional(JobState::kRefused) : std::nullopt;
    case JobEvent::kFailed:
    case JobEvent::kLeaseEnded:
      return state == JobState::kRunning ? std::optional(JobState::kQueued) : std::nullopt;
    case JobEvent::kGaveUp:
      return isOpen(state) ? std::optional(JobState::kDead) : std::nullopt;
    case JobEvent::kSatisfied:
      return state == JobState::kWaiting || state == JobState::kQueued
                 ? std::optional(JobState::kDone)
                 : std::nullopt;
    case JobEvent::kRevived:
      return state == JobState::kDead ? std::optional(JobState::kQueued) : std::nullopt;
    case JobEvent::kDropped:
      return isOpen(state) ? std::optional(JobState::kDropped) : std::nullopt;
  }
  return std::nullopt;
}

Milliseconds backoff(int attempts, double unit) {
  constexpr Milliseconds kBase{2000};
  constexpr Milliseconds kCap = std::chrono::hours{1};
  constexpr Milliseconds kLeast{250};
  const int doublings = std::clamp(attempts, 0, 12);
  const Milliseconds ceiling = std::min<Milliseconds>(kCap, kBase * (std::int64_t{1} << doublings));
  const auto drawn = static_cast<std::int64_t>(unit * static_cast<double>(ceiling.count()));
  return std::max(kLeast, Milliseconds{drawn});
}

}  // namespace mbr
