// One thing that was looked at, for doctor and its kin.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mbr::app {

enum class Severity {
  kGood,
  kWarning,  // works, and should be seen to
  kProblem,  // something does not work, or a promise is broken
};
std::string_view toString(Severity severity);

struct Remark {
  std::string check;  // what was looked at, one word or two: stable
  Severity severity = Severity::kGood;
  std::string what;
  std::string cure{};  // what to do; empty if it is good
};

using Remarks = std::vector<Remark>;

inline Remark good(std::string check, std::string what) {
  return {std::move(check), Severity::kGood, std::move(what)};
}
inline Remark warning(std::string check, std::string what, std::string cure) {
  return {std::move(check), Severity::kWarning, std::move(what), std::move(cure)};
}
inline Remark problem(std::string check, std::string what, std::string cure) {
  return {std::move(check), Severity::kProblem, std::move(what), std::move(cure)};
}

}  // namespace mbr::app
