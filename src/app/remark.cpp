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

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

}  // namespace mbr::app
