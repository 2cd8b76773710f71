#include "http/form.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace mbr::http {
namespace {

constexpr std::int8_t kNoDigit = -1;

constexpr std::array<std::int8_t, 256> makeHexValues() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = kNoDigit;
  for (std::size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<std::int8_t>(i);
  for (std::size_t i = 0; i < 6; ++i) {
    values['a' + i] = values['A' + i] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}

constexpr auto kHexValues = makeHexValues();

int hexValue(char c) { return kHexValues[static_cast<std::uint8_t>(c)]; }

Error invalid(const char* sentence) { return Error{Code::kInvalid, sentence}; }

// Decodes the text one name or value at a time and remembers the first thing that was wrong.
class Decoder {
 public:
  explicit Decoder(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool atEnd() const { return at_ == end_; }
  const char* wrong() const { return wrong_; }

  // Appends the decoded bytes up to the next '&' (or '=' for a name) and skips that byte; true if
  // it was a '='.
  bool take(std::string& out, bool isName) {
    const char* const begin = at_;
    while (at_ != end_ && *at_ != '&' && !(isName && *at_ == '=')) ++at_;
    decode(begin, at_, out);
    return at_ != end_ && *at_++ == '=';
  }

 private:
  void decode(const char* from, const char* to, std::string& out) {
    out.resize(static_cast<std::size_t>(to - from));
    char* write = out.data();
    std::uint8_t highBits = 0;
    bool hasNul = false;
    while (from != to) {
      char c = *from++;
      if (c == '+') {
        c = ' ';
      } else if (c == '%') {
        const int high = to - from >= 2 ? hexValue(from[0]) : kNoDigit;
        const int low = to - from >= 2 ? hexValue(from[1]) : kNoDigit;
        if (high < 0 || low < 0) {
          wrong_ = "A percent sign in the form is not followed by two hexadecimal digits.";
          return;
        }
        c = static_cast<char>(high * 16 + low);
        from += 2;
      }
      highBits |= static_cast<std::uint8_t>(c);
      hasNul |= c == '\0';
      *write++ = c;
    }
    out.resize(static_cast<std::size_t>(write - out.data()));
    if (hasNul) wrong_ = "The form holds a NUL byte.";
    if ((highBits & 0x80) != 0 && !isValidUtf8(out)) wrong_ = "The form is not valid UTF-8.";
  }

  const char* at_;
  const char* end_;
  const char* wrong_ = nullptr;
};

std::size_t depthOf(std::string_view key) {
  return static_cast<std::size_t>(std::count(key.begin(), key.end(), '['));
}

}  // namespace

const std::string* Form::find(std::string_view key) const {
  const auto found = std::find_if(fields_.rbegin(), fields_.rend(),
                                  [&](const Field& field) { return field.first == key; });
  return found == fields_.rend() ? nullptr : &found->second;
}

std::size_t Form::count(std::string_view key) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [&](const Field& field) { return field.first == key; }));
}

Result<Form> parseForm(std::string_view text, const FormLimits& limits) {
  Form form;
  const auto separators = static_cast<std::size_t>(std::count(text.begin(), text.end(), '&'));
  form.fields_.reserve(std::min(separators + 1, limits.maxKeys));
  Decoder decoder(text);
  while (!decoder.atEnd()) {
    std::string key;
    std::string value;
    if (decoder.take(key, true)) decoder.take(value, false);
    if (decoder.wrong() != nullptr) return invalid(decoder.wrong());
    if (key.empty()) continue;
    if (key.size() > limits.maxKeyBytes) return invalid("A key of the form is too long.");
    if (depthOf(key) > limits.maxDepth) return invalid("A key of the form is nested too deeply.");
    if (form.fields_.size() == limits.maxKeys) return invalid("The form has too many fields.");
    form.fields_.emplace_back(std::move(key), std::move(value));
  }
  return form;
}

}  // namespace mbr::http
