#include "domain/gap.h"

namespace mbr {

std::string_view toString(GapState state) {
  switch (state) {
    case GapState::kOpen:
      return "open";
    case GapState::kWorking:
      return "working";
    case GapState::kClosed:
      return "closed";
  }
  return "";
}

std::string_view toString(SweepState state) {
  switch (state) {
    case SweepState::kRunning:
      return "running";
    case SweepState::kDone:
      return "done";
    case SweepState::kGivenUp:
      return "given_up";
  }
  return "";
}

}  // namespace mbr
