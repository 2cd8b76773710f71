#include "app/remark.h"

namespace mbr::app {

std::string_view toString(Severity severity) {
  switch (severity) {
    case Severity::kGood:
      return "good";
    case Severity::kWarning:
      return "warning";
    case Severity::kProblem:
      return "problem";
  }
  return "";
}

}  // namespace mbr::app
