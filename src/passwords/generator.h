// Makes the passwords that Membergate issues.
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace mbr::passwords {

// Thread-safe.
class Generator {
 public:
  // The default is AM360's alphabet without % and &, which ActiveCampaign's personalisation and
  // form bodies give a meaning: 147 bits.
  struct Options {
    int length = 24;  // characters
    std::string alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$^*()";
  };

  // At least 80 bits, at most 64 characters, unique printable ASCII without the blank.
  // Errors: kInvalid with a sentence for the operator.
  static Outcome validate(const Options& options);

  // Throws std::invalid_argument for options that validate() refuses. `random` must outlive the
  // generator.
  Generator(Options options, Random& random);

  // Every character is drawn with the same probability.
  Secret next();

 private:
  const Options options_;
  Random& random_;
};

}  // namespace mbr::passwords
