#include "cli/exit_code.h"

namespace mbr::cli {
namespace {

ExitCode exitCodeOf(Code code) {
  switch (code) {
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
    case Code::kInternal:
      return kUnreachable;
  }
  return kUnreachable;
}

}  // namespace

Failure::Failure(const Error& error)
    : std::runtime_error(error.detail), code_(exitCodeOf(error.code)) {}

}  // namespace mbr::cli
