#include "base/secret.h"

#include <sodium.h>

#include <utility>

namespace mbr {

void wipe(std::string& text) noexcept {
  text.resize(text.capacity());
  sodium_memzero(text.data(), text.size());
  text.clear();
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secret Secret::take(std::string&& text) {
  Secret secret{text};
  mbr::wipe(text);
  return secret;
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    text_ = other.text_;
  }
  return *this;
}

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
  }
  return *this;
}

bool Secret::equals(std::string_view other) const { return equalInConstantTime(text_, other); }

void Secret::wipe() noexcept { mbr::wipe(text_); }

}  // namespace mbr
