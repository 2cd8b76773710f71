// Every word that a visitor reads, or an operator on the status page.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mbr::pages {

// In the order of conf/pages.texts.example.
enum class Text {
  kLang,
  kDirection,
  kSiteName,
  kEmail,
  kPassword,
  kFormRefused,
  kUnavailable,
  kLoginTitle,
  kLoginButton,
  kLoginForgotten,
  kLoginWrong,
  kLoginNotEntitled,
  kLoginThrottled,
  kLogoutTitle,
  kLogoutButton,
  kResetTitle,
  kResetIntro,
  kResetButton,
  kResetSent,
  kResetLogin,
  kLinkTitle,
  kLinkIntro,
  kLinkPassword,
  kLinkRepeat,
  kLinkButton,
  kLinkDiffer,
  kLinkTooShort,
  kLinkIsEmail,
  kLinkCommon,
  kLinkUnusable,
  kLinkDead,
  kLinkAgain,
  kLinkDone,
  kLinkLogin,
  kStatusTitle,
  kStatusIntro,
  kStatusKey,
  kStatusOpen,
  kStatusWrongKey,
  kStatusWell,
  kStatusDown,
  kStatusRefused,
  kStatusMissing,
  kStatusGivenUp,
  kStatusRetried,
  kStatusNotRetried,
  kStatusNow,
  kStatusAccount,
  kStatusAccountWorks,
  kStatusAccountDown,
  kStatusAccountRefused,
  kStatusFrozen,
  kStatusContacts,
  kStatusGaps,
  kStatusJobs,
  kStatusDead,
  kStatusLastAutomation,
  kStatusLastEvent,
  kStatusLastPass,
  kStatusSince,
  kStatusVersion,
  kStatusNever,
  kStatusNone,
  kStatusSums,
  kStatusHour,
  kStatusHours,
  kStatusDay,
  kStatusWeek,
  kStatusQuarter,
  kStatusReceived,
  kStatusShed,
  kStatusRepaired,
  kStatusRequests,
  kStatusTooMany,
  kStatusAdmitted,
  kStatusWrong,
  kStatusNotEntitled,
  kStatusThrottled,
  kStatusBusy,
  kStatusUnavailable,
  kStatusMedian,
  kStatusSlowest,
  kStatusOverTime,
  kStatusWebhooksChart,
  kStatusQueueChart,
  kStatusBudgetChart,
  kStatusAllowed,
  kStatusSent,
  kStatusLoginsChart,
  kStatusLatencyChart,
  kStatusHalf,
  kStatusMost,
  kStatusTroubleChart,
  kStatusNoLibrary,
  kStatusNoScript,
  kStatusStale,
  kStatusLanes,
  kStatusLane,
  kStatusWaiting,
  kStatusQueued,
  kStatusRunning,
  kStatusGapWhy,
  kStatusGapFrom,
  kStatusGapOpened,
  kStatusJob,
  kStatusKind,
  kStatusTries,
  kStatusEnded,
  kStatusReason,
  kStatusRetry,
  kStatusSearch,
  kStatusWho,
  kStatusLookUp,
  kStatusUnknown,
  kStatusCached,
  kStatusName,
  kStatusValue,
  kStatusCredential,
  kStatusHasPassword,
  kStatusNoPassword,
  kStatusDeleted,
  kStatusWhy,
  kStatusCheck,
  kStatusMark,
  kStatusTimeline,
  kStatusWhen,
  kStatusWhat,
  kStatusBack,
};
inline constexpr std::size_t kTexts = 128;

// Plain text, not HTML. Immutable.
class Texts {
 public:
  // The words of conf/pages.texts.example, as they were compiled in.
  Texts();

  // The words of a file like it: `key = text` lines, the shipped words for keys that are left out.
  // Errors: kInvalid; the detail says of each wrong line "line 7: key `x`: …", joined by "; ".
  static Result<Texts> parse(std::string_view file);

  const std::string& operator[](Text text) const { return texts_[static_cast<std::size_t>(text)]; }

 private:
  std::array<std::string, kTexts> texts_;
};

// The key of a text in the file.
std::string_view keyOf(Text text);

// conf/pages.texts.example as it was when this was built.
const std::string& shippedTexts();

}  // namespace mbr::pages
