#include "cli/exit_code.h"

namespace mbr::cli {
namespace {

ExitCode exitCodeOf(const Error& error) {
  switch (error.code) {
    case Code::kInvalid:
      return kUsage;
    case Code::kDenied:
      return kNotPermitted;
    case Code::kNotFound:
    case Code::kConflict:
      return kNegative;
    case Code::kBusy:
      return kTryLater;
    case Code::kUnavailable:
      return error.retryAfter ? kTryLater : kUnreachable;
    case Code::kInternal:
      return kUnreachable;
  }
  return kUnreachable;
}

}  // namespace

Failure::Failure(const Error& error) : std::runtime_error(error.detail), code_(exitCodeOf(error)) {}

}  // namespace mbr::cli
