// Why something expected did not work.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mbr {

// What a caller can do about a failure; one meaning each.
enum class Code {
  kInvalid,      // the input is wrong: the sender must change it
  kDenied,       // not allowed for this caller
  kNotFound,     // what was named does not exist
  kConflict,     // the state does not allow it: read again, then decide
  kBusy,         // right now there is no room: again after `retryAfter`
  kUnavailable,  // something we need is down: again later
  kInternal,     // a bug
};

std::string_view toString(Code code);

// `detail` is for the log and the operator; it never goes to a client unless the one who made it
// is the http room. It must hold no secret and no personal datum.
struct Error {
  Code code = Code::kInternal;
  std::string detail;
  std::optional<std::chrono::milliseconds> retryAfter{};
};

}  // namespace mbr
