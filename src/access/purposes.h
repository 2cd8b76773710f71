// What a security code is good for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mbr::access {

enum class Purpose { kGenpass, kEvents, kClearuser, kAuth, kAutologin };
inline constexpr int kPurposeCount = 5;

// A set of purposes. Immutable.
class Purposes {
 public:
  Purposes() = default;
  Purposes(std::initializer_list<Purpose> purposes) {
    for (const Purpose purpose : purposes) bits_ |= bit(purpose);
  }

  // "genpass,events": names by comma, each once or more often.
  // Errors: kInvalid (unknown or no name; autologin beside another, since such a code lies in
  // members' e-mails and must open nothing else).
  static Result<Purposes> parse(std::string_view text);

  bool has(Purpose purpose) const { return (bits_ & bit(purpose)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::string text() const;  // as parse() reads it

  // Errors: kInvalid, as for parse().
  Outcome validate() const;

 private:
  static unsigned bit(Purpose purpose) { return 1U << static_cast<int>(purpose); }
  unsigned bits_ = 0;
};

}  // namespace mbr::access
