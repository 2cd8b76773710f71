// What each thing that is known of a contact means for a login.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "members/case_file.h"

namespace mbr::members {

enum class Mark { kGood, kNote, kBad };
std::string_view toString(Mark mark);

struct Finding {
  std::string check;  // "contact", "password", "tags", …: stable
  Mark mark = Mark::kGood;
  std::string what;
  std::optional<Instant> at{};  // when that was
};

// In the order in which a support person asks. Pure. Holds no e-mail or name, and no secret.
std::vector<Finding> checklist(const CaseFile& file);

// "41 s", rounded up.
std::string waitText(Milliseconds wait);

}  // namespace mbr::members
