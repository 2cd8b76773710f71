// Text of `key = value` lines, as files for an operator hold it.
//
// Blank lines and lines that begin with # are skipped, and nothing follows a value on its line.
// Keys are made of a-z, 0-9, `.`, `_` and `-`; values are UTF-8 without control characters.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mbr {

struct KeyValueLines {
  struct Entry {
    int line = 0;
    std::string value;
  };
  struct Problem {
    int line = 0;
    std::string text;  // without the position; quotes no value
  };
  std::map<std::string, Entry> entries;
  std::vector<Problem> problems;  // what is no such line, and keys that were set already
};

// Blanks around key and value are dropped; the value is everything behind the first `=`.
KeyValueLines parseKeyValueLines(std::string_view text);

}  // namespace mbr
