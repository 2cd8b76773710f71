#include "domain/email.h"

#include <algorithm>

#include "base/utf8.h"

namespace mbr {

std::optional<Email> Email::parse(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  const auto at = text.find('@');
  if (text.size() > 254 || at == std::string_view::npos || at == 0 || at + 1 == text.size() ||
      text.find('@', at + 1) != std::string_view::npos ||
      text.find(' ') != std::string_view::npos || hasControlCharacter(text) || !isValidUtf8(text)) {
    return std::nullopt;
  }
  std::string normalised(text);
  std::transform(normalised.begin(), normalised.end(), normalised.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return Email(std::move(normalised));
}

}  // namespace mbr
