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

// Decodes the text one name or value at a time, one behind the other into `to`, and remembers the
// first thing that was wrong.
class Decoder {
 public:
  // `to` has room for the whole text: what is decoded is never longer.
  Decoder(std::string_view text, char* to)
      : at_(text.data()), end_(text.data() + text.size()), to_(to) {}

  bool atEnd() const { return at_ == end_; }
  const char* wrong() const { return wrong_; }
  // Whether the byte before the current one was the '=' behind a name.
  bool hasValue() const { return hasValue_; }

  // The decoded text up to the next '&', or for a name '=', which is skipped.
  std::string_view take(bool isName) {
    char* const begin = to_;
    const char stop = isName ? '=' : '&';
    std::uint8_t highBits = 0;
    hasValue_ = false;
    while (at_ != end_) {
      char c = *at_++;
      if (c == '&' || c == stop) {
        hasValue_ = c == '=';
        break;
      }
      if (c == '+') {
        c = ' ';
      } else if (c == '%') {
        if (!readEscape(c)) return {};
      }
      if (c == '\0') wrong_ = "The form holds a NUL byte.";
      highBits |= static_cast<std::uint8_t>(c);
      *to_++ = c;
    }
    const std::string_view taken(begin, static_cast<std::size_t>(to_ - begin));
    if ((highBits & 0x80) != 0 && !isValidUtf8(taken)) wrong_ = "The form is not valid UTF-8.";
    return taken;
  }

 private:
  bool readEscape(char& c) {
    const int high = end_ - at_ >= 2 ? hexValue(at_[0]) : kNoDigit;
    const int low = end_ - at_ >= 2 ? hexValue(at_[1]) : kNoDigit;
    if (high < 0 || low < 0) {
      wrong_ = "A percent sign in the form is not followed by two hexadecimal digits.";
      return false;
    }
    c = static_cast<char>(high * 16 + low);
    at_ += 2;
    return true;
  }

  const char* at_;
  const char* const end_;
  char* to_;
  const char* wrong_ = nullptr;
  bool hasValue_ = false;
};

std::size_t depthOf(std::string_view key) {
  return static_cast<std::size_t>(std::count(key.begin(), key.end(), '['));
}

}  // namespace

const std::string_view* Form::find(std::string_view key) const {
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
  const std::shared_ptr<char[]> decoded(new char[text.size()]);
  Decoder decoder(text, decoded.get());
  form.text_ = decoded;
  while (!decoder.atEnd()) {
    const std::string_view key = decoder.take(true);
    const std::string_view value = decoder.hasValue() ? decoder.take(false) : std::string_view();
    if (decoder.wrong() != nullptr) return invalid(decoder.wrong());
    if (key.empty()) continue;
    if (key.size() > limits.maxKeyBytes) return invalid("A key of the form is too long.");
    if (depthOf(key) > limits.maxDepth) return invalid("A key of the form is nested too deeply.");
    if (form.fields_.size() == limits.maxKeys) return invalid("The form has too many fields.");
    form.fields_.emplace_back(key, value);
  }
  return form;
}

}  // namespace mbr::http
