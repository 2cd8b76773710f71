#include "api/prefer.h"

#include <algorithm>
#include <string>

namespace mbr::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool isWait(std::string_view name) {
  constexpr std::string_view kWait = "wait";
  return name.size() == kWait.size() &&
         std::equal(name.begin(), name.end(), kWait.begin(), [](char c, char lower) {
           return c == lower || (c >= 'A' && c <= 'Z' && c + 32 == lower);
         });
}

std::optional<std::chrono::seconds> secondsOf(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value.empty() || value.size() > 9 ||
      value.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::min(std::chrono::seconds{std::stol(std::string(value))}, kLongestWait);
}

}  // namespace

std::optional<std::chrono::seconds> preferredWait(std::string_view prefer) {
  while (!prefer.empty()) {
    const auto end = std::min(prefer.find(','), prefer.size());
    std::string_view preference = prefer.substr(0, end);
    prefer.remove_prefix(std::min(end + 1, prefer.size()));
    preference = preference.substr(0, preference.find(';'));  // without its parameters
    const auto equals = preference.find('=');
    if (equals == std::string_view::npos || !isWait(trimmed(preference.substr(0, equals))))
      continue;
    return secondsOf(trimmed(preference.substr(equals + 1)));
  }
  return std::nullopt;
}

}  // namespace mbr::api
