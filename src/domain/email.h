// An e-mail address as the key it is looked up by.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mbr {

// Normalised: ASCII blanks trimmed, ASCII letters lower-cased, nothing else. Holds exactly one
// '@' with something on both sides, at most 254 bytes, valid UTF-8, no control character and no
// blank inside.
class Email {
 public:
  static std::optional<Email> parse(std::string_view text);

  const std::string& text() const { return text_; }
  friend bool operator==(const Email& a, const Email& b) { return a.text_ == b.text_; }
  friend bool operator!=(const Email& a, const Email& b) { return !(a == b); }
  friend bool operator<(const Email& a, const Email& b) { return a.text_ < b.text_; }

 private:
  explicit Email(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace mbr
