// The one table of keys: what the operator is told, and what a value does. Private to this room.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/keys.h"

namespace mbr::config {

// Why a value was not taken, as it follows "got `y`, ": "expected …".
struct Objection {
  std::string text;
  bool denied = false;  // a file that this user may not read
};

struct Rule {
  Key key;
  // Puts the value into the Config, or says why not. Without a text of its own the objection is
  // that of the key's unit and range.
  std::function<std::optional<Objection>(Config&, std::string_view value)> read;
};

const std::vector<Rule>& rules();

// "expected a duration (ms, s, m, h, d), 100ms to 10s"
std::string expectation(const Key& key);

}  // namespace mbr::config
