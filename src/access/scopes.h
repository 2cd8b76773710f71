// What an API key is good for.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mbr::access {

enum class Scope { kLogin, kContactsRead, kContactsWrite, kAdmin };
inline constexpr int kScopeCount = 4;
std::string_view toString(Scope scope);  // "contacts:read"

// A set of scopes. None implies another. Immutable.
class Scopes {
 public:
  Scopes() = default;
  Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) bits_ |= bit(scope);
  }
  static Scopes all() {
    return {Scope::kLogin, Scope::kContactsRead, Scope::kContactsWrite, Scope::kAdmin};
  }

  // "login,contacts:read": names by comma. Errors: kInvalid (unknown or no name).
  static Result<Scopes> parse(std::string_view text);

  bool has(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::string text() const;  // as parse() reads it

  friend bool operator==(Scopes a, Scopes b) { return a.bits_ == b.bits_; }

 private:
  static unsigned bit(Scope scope) { return 1U << static_cast<int>(scope); }
  unsigned bits_ = 0;
};

}  // namespace mbr::access
