// Why a member cannot log in: the checklist of whoever is asked.
//
// readCase() reads what is kept of one contact, whoever asks adds what other rooms know (throttle,
// gate), checklist() says what each of it means, and diagnose() what it comes to and what to do.
#pragma once

#include <string>
#include <vector>

#include "members/case_file.h"
#include "members/checklist.h"

namespace mbr::members {

// What it comes to. Codes are stable:
//   unknown erased deleted email_moved banned throttled password_pending password_failed
//   link_unused link_expired not_registered never_asked no_password tag_missing rule_refuses
//   unconfirmed may_log_in
struct Verdict {
  std::string code;
  std::string sentence;
  std::string cure;  // what to do; commands are named as they are typed
  bool mayLogIn() const { return code == "may_log_in"; }
};

struct Diagnosis {
  std::vector<Finding> findings;  // in the order of the checklist
  Verdict verdict;
};

// Pure. Holds no e-mail or name but the question's, and no secret.
Diagnosis diagnose(const CaseFile& file);

}  // namespace mbr::members
