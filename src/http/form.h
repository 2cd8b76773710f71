// application/x-www-form-urlencoded text, as query strings and webhook bodies carry it.
//
// Keys are kept raw after decoding ("contact[fields][39]"), because PHP's reading of brackets
// loses numeric keys. Decoded by hand: this is the hot path, and it has a fuzz target.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mbr::http {

struct FormLimits {
  std::size_t maxKeys = 500;
  std::size_t maxDepth = 8;  // pairs of brackets in one key
  std::size_t maxKeyBytes = 1024;
};

// Holds the decoded text in one piece; names and values are views into it, good as long as the form
// or what it was moved into.
class Form {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  const std::vector<Field>& fields() const { return fields_; }
  // The value of `key`; the last one if it is repeated, as in PHP. Null if absent.
  const std::string_view* find(std::string_view key) const;
  std::size_t count(std::string_view key) const;
  bool empty() const { return fields_.empty(); }

 private:
  friend Result<Form> parseForm(std::string_view text, const FormLimits& limits);
  std::shared_ptr<const char[]> text_;  // shared by copies, which view the same text
  std::vector<Field> fields_;
};

// Errors: kInvalid for a broken percent escape, bytes that are not UTF-8 after decoding, a NUL, or
// more than the limits allow; the detail says which and is safe to show to the sender.
Result<Form> parseForm(std::string_view text, const FormLimits& limits = {});

}  // namespace mbr::http
