// Letters of ASCII, whatever the locale; other bytes stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace mbr {

inline std::string upperCased(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace mbr
