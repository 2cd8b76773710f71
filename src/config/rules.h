// The one table of keys: what the operator is told, and what a value does. Private to this room.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "config/readers.h"

namespace mbr::config {

struct Rule {
  Key key;
  std::function<Reader> read;
  bool mayBeOff = false;  // without a value it is off, whatever its default is
  // For a family of keys, "rule.NAME", instead of `read`: there may be any number of them.
  std::function<NamedReader> readNamed{};

  bool isFamily() const { return readNamed != nullptr; }
  std::string_view prefix() const;  // of a family: "rule."
  bool covers(std::string_view key) const;
};

// What a key of a family may end in.
bool isFamilyName(std::string_view name);
inline constexpr const char* kFamilyNameExpectation =
    "expected a name of 1 to 32 letters a-z, digits, - and _ behind the point";

const std::vector<Rule>& rules();

// "expected a duration (ms, s, m, h, d), 100ms to 10s"
std::string expectation(const Key& key);

}  // namespace mbr::config
