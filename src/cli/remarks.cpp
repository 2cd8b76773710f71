#include "cli/remarks.h"

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace mbr::cli {
namespace {

using app::Remark;
using app::Severity;

Tone toneOf(Severity severity) {
  switch (severity) {
    case Severity::kGood:
      return Tone::kGood;
    case Severity::kWarning:
      return Tone::kWarning;
    case Severity::kProblem:
      return Tone::kBad;
  }
  return Tone::kPlain;
}

int count(const app::Remarks& remarks, Severity severity) {
  return static_cast<int>(std::count_if(remarks.begin(), remarks.end(), [&](const Remark& remark) {
    return remark.severity == severity;
  }));
}

std::string counted(int number, const std::string& what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

void printRow(const Remark& remark) {
  const std::string severity(toString(remark.severity));
  std::cout << painted(toneOf(remark.severity), severity)
            << std::string(std::string_view("problem").size() - severity.size() + 2, ' ')
            << remark.check << ": " << printable(remark.what) << '\n';
  if (!remark.cure.empty()) std::cout << "         -> " << printable(remark.cure) << '\n';
}

}  // namespace

int reportRemarks(const app::Remarks& remarks, bool asJson) {
  const int problems = count(remarks, Severity::kProblem);
  const int warnings = count(remarks, Severity::kWarning);
  if (asJson) {
    json::Array all;
    for (const Remark& remark : remarks) {
      all.emplace_back(json::Object{{"check", remark.check},
                                    {"severity", toString(remark.severity)},
                                    {"what", remark.what},
                                    {"cure", remark.cure}});
    }
    printJson(
        json::Object{{"problems", problems}, {"warnings", warnings}, {"findings", std::move(all)}});
  } else {
    app::Remarks sorted = remarks;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Remark& a, const Remark& b) { return a.severity < b.severity; });
    for (const Remark& remark : sorted) printRow(remark);
    std::cout << '\n'
              << counted(problems, "problem") << ", " << counted(warnings, "warning") << '\n';
  }
  return problems == 0 ? kOk : kNegative;
}

}  // namespace mbr::cli
