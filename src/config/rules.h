// The one table of keys: what the operator is told, and what a value does. Private to this room.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/keys.h"
#include "config/readers.h"

namespace mbr::config {

struct Rule {
  Key key;
  std::function<Reader> read;
  bool mayBeOff = false;  // without a value it is off, whatever its default is
};

const std::vector<Rule>& rules();

// "expected a duration (ms, s, m, h, d), 100ms to 10s"
std::string expectation(const Key& key);

}  // namespace mbr::config
