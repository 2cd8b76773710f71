// The syntax of the file. Private to this room.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mbr::config {

struct Problem {
  int line = 0;      // 0 = the file as a whole
  std::string text;  // without the position
};

struct Entry {
  int line = 0;
  std::string value;
};

struct Lines {
  std::map<std::string, Entry> entries;
  std::vector<Problem> problems;
};

// Blanks around key and value are dropped; the value is everything behind the first `=`.
Lines parseLines(std::string_view text);

}  // namespace mbr::config
