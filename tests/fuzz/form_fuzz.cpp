// Whatever the bytes are, a form is refused or holds exactly what a slow decoder reads.
// sources: http/form.cpp base/utf8.cpp base/encoding.cpp
// links: -lsodium
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/utf8.h"
#include "http/form.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Checks `form` against the text, pair by pair.
void compare(std::string_view text, const mbr::http::Form& form) {
  std::size_t next = 0;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(pair.size() + (pair.size() < text.size() ? 1 : 0));
    const auto equals = pair.find('=');
    const auto key = mbr::percentDecode(pair.substr(0, equals), true);
    const auto value = mbr::percentDecode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    require(key.has_value() && value.has_value());
    if (key->empty()) continue;
    require(next < form.fields().size());
    require(form.fields()[next].first == *key);
    require(form.fields()[next].second == *value);
    ++next;
  }
  require(next == form.fields().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto form = mbr::http::parseForm(text);
  if (!form) {
    require(form.error().code == mbr::Code::kInvalid && !form.error().detail.empty());
    return 0;
  }
  require(form->fields().size() <= 500);
  for (const auto& [key, value] : form->fields()) {
    require(!key.empty() && mbr::isValidUtf8(key) && mbr::isValidUtf8(value));
    require(key.find('\0') == std::string::npos && value.find('\0') == std::string::npos);
  }
  compare(text, *form);
  return 0;
}
