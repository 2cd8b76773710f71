#include "base/key_value_lines.h"

#include <algorithm>

#include "base/utf8.h"

namespace mbr {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

// The problem of a line, or "".
std::string readLine(std::string_view line, int number,
                     std::map<std::string, KeyValueLines::Entry>& entries) {
  // A line without a proper key is not quoted: it may be a secret on the wrong line.
  const auto equals = line.find('=');
  const std::string key(trimmed(line.substr(0, equals)));
  if (equals == std::string_view::npos || !isName(key)) return "expected `key = value`";
  const std::string value(trimmed(line.substr(equals + 1)));
  if (!isValidUtf8(value) || hasControlCharacter(value)) {
    return "key `" + key + "`: expected UTF-8 text without control characters";
  }
  const auto [known, added] = entries.try_emplace(key, KeyValueLines::Entry{number, value});
  if (added) return {};
  return "key `" + key + "`: set already on line " + std::to_string(known->second.line) +
         ", expected once";
}

}  // namespace

KeyValueLines parseKeyValueLines(std::string_view text) {
  KeyValueLines lines;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (auto problem = readLine(line, number, lines.entries); !problem.empty()) {
      lines.problems.push_back({number, std::move(problem)});
    }
  }
  return lines;
}

}  // namespace mbr
