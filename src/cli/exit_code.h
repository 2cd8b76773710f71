// How a command ends.
#pragma once

#include <stdexcept>
#include <string>

#include "base/error.h"

namespace mbr::cli {

enum ExitCode : int {
  kOk = 0,
  kNegative = 1,        // the answer is no
  kUsage = 2,           // the command line is wrong
  kUnreachable = 69,    // something needed does not answer
  kTryLater = 75,       // the same command may work in a moment
  kNotPermitted = 77,   // this user may not; the sentence names one who may
  kConfiguration = 78,  // the configuration is wrong
};

// Ends a command with a sentence for the operator on stderr.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  explicit Failure(const Error& error);

  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

}  // namespace mbr::cli
