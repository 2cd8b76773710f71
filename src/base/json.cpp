#include "base/json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Handler.h>
#include <Poco/JSON/JSONException.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <system_error>

#include "base/utf8.h"

namespace mbr::json {
namespace {

constexpr std::size_t kMaxMembers = 1000;

// Builds the tree while Poco reads. Containers under construction lie on a stack and move into
// their parent when they close.
class TreeBuilder final : public Poco::JSON::Handler {
 public:
  void reset() override { *this = TreeBuilder(); }
  void startObject() override { open_.emplace_back(Object{}); }
  void endObject() override { close(); }
  void startArray() override { open_.emplace_back(Array{}); }
  void endArray() override { close(); }
  void key(const std::string& name) override { keys_.push_back(name); }
  void null() override { add(Value{}); }
  void value(int number) override { add(Value{number}); }
  void value(unsigned number) override { add(Value{std::int64_t{number}}); }
  void value(Poco::Int64 number) override { add(Value{static_cast<std::int64_t>(number)}); }
  void value(Poco::UInt64 number) override {
    if (number > static_cast<Poco::UInt64>(std::numeric_limits<std::int64_t>::max())) {
      add(Value{static_cast<double>(number)});
    } else {
      add(Value{static_cast<std::int64_t>(number)});
    }
  }
  void value(const std::string& text) override { add(Value{text}); }
  void value(double number) override { add(Value{number}); }
  void value(bool flag) override { add(Value{flag}); }

  Value take() { return std::move(root_); }

 private:
  void close() {
    Value closed = std::move(open_.back());
    open_.pop_back();
    add(std::move(closed));
  }

  void add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* array = open_.back().asArray()) {
      array->push_back(std::move(value));
    } else if (auto* object = open_.back().asObject()) {
      // Look-up is a scan, so a body of many thousand keys would cost its square.
      if (object->members().size() >= kMaxMembers) throw Poco::DataException("too many members");
      object->set(std::move(keys_.back()), std::move(value));
      keys_.pop_back();
    }
  }

  Value root_;
  std::vector<Value> open_;
  std::vector<std::string> keys_;
};

// The first character behind the string that starts at `text[at]`.
std::size_t behindString(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Whether `number`, a run of digits with an optional sign, fits no 64-bit integer.
bool isTooLarge(std::string_view number) {
  const bool negative = number.front() == '-';
  std::int64_t least = 0;
  std::uint64_t greatest = 0;
  const auto result = negative
                          ? std::from_chars(number.data(), number.data() + number.size(), least)
                          : std::from_chars(number.data(), number.data() + number.size(), greatest);
  return result.ec == std::errc::result_out_of_range;
}

// Poco 1.11 reads an integer that fits no 64 bits as another number, without a word.
bool holdsHugeInteger(std::string_view text) {
  constexpr std::string_view kNumber = "+-.eE0123456789";
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = behindString(text, at);
    } else if (kNumber.find(text[at]) == std::string_view::npos) {
      ++at;
    } else {
      const auto end = std::min(text.find_first_not_of(kNumber, at), text.size());
      const std::string_view number = text.substr(at, end - at);
      if (number.find_first_of(".eE") == std::string_view::npos && isTooLarge(number)) return true;
      at = end;
    }
  }
  return false;
}

// Poco cuts a key at an escaped NUL, so that it passes for another one.
bool holdsNulInKey(std::string_view text) {
  constexpr std::string_view kNul = "\\u0000";
  if (text.find(kNul) == std::string_view::npos) return false;
  for (std::size_t at = text.find('"'); at < text.size(); at = text.find('"', at)) {
    const std::size_t end = std::min(behindString(text, at), text.size());
    const std::string_view string = text.substr(at, end - at);
    const std::size_t next = text.find_first_not_of(" \t\r\n", end);
    const bool isKey = next != std::string_view::npos && text[next] == ':';
    if (isKey && string.find(kNul) != std::string_view::npos) return true;
    at = end;
  }
  return false;
}

void append(std::string& out, const Value& value);

void appendArray(std::string& out, const Array& array) {
  out.push_back('[');
  bool first = true;
  for (const Value& item : array) {
    if (!first) out.push_back(',');
    first = false;
    append(out, item);
  }
  out.push_back(']');
}

void appendObject(std::string& out, const Object& object) {
  out.push_back('{');
  bool first = true;
  for (const auto& [name, value] : object.members()) {
    if (!first) out.push_back(',');
    first = false;
    appendString(out, name);
    out.push_back(':');
    append(out, value);
  }
  out.push_back('}');
}

void appendDouble(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";  // JSON has no word for it
    return;
  }
  char text[32];  // the shortest text that reads back as the same number
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  if (error != std::errc()) return;
  const std::string_view written(text, static_cast<std::size_t>(end - text));
  out += written;
  // Without a point it would be read back as an integer, which parse() refuses beyond 64 bits.
  const bool isWhole = written.find_first_of(".e") == std::string_view::npos;
  if (isWhole && std::abs(number) >= 0x1p63) out += ".0";
}

void append(std::string& out, const Value& value) {
  if (const auto* text = value.asString()) {
    appendString(out, *text);
  } else if (const auto* object = value.asObject()) {
    appendObject(out, *object);
  } else if (const auto* array = value.asArray()) {
    appendArray(out, *array);
  } else if (const auto* integer = value.asInt()) {
    out += std::to_string(*integer);
  } else if (const auto* number = value.asDouble()) {
    appendDouble(out, *number);
  } else if (const auto* flag = value.asBool()) {
    out += *flag ? "true" : "false";
  } else {
    out += "null";
  }
}

// Whether the byte stands in a JSON string as it is.
bool isPlain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

// The bits of the bytes that are less than `n`, which is at most 0x80; of bytes below 0x80 only.
constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t below(std::uint64_t bytes, std::uint64_t n) {
  return (bytes - kOnes * n) & ~bytes & (kOnes * 0x80);
}
constexpr std::uint64_t equal(std::uint64_t bytes, std::uint64_t n) {
  return below(bytes ^ (kOnes * n), 1);
}

// How many bytes at the beginning are plain; eight at a time.
std::size_t plainRun(std::string_view text) {
  std::size_t run = 0;
  for (std::uint64_t eight = 0; run + sizeof eight <= text.size(); run += sizeof eight) {
    std::memcpy(&eight, text.data() + run, sizeof eight);
    const auto special =
        below(eight, 0x20) | equal(eight, '"') | equal(eight, '\\') | equal(eight, 0x7F);
    if (special != 0) break;
  }
  while (run < text.size() && isPlain(text[run])) ++run;
  return run;
}

void appendEscaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
  out += text;
}

// Replaces every byte that starts no valid sequence by U+FFFD.
std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length <= 4 && length <= text.size() && !isValidUtf8(text.substr(0, length))) ++length;
    if (length > 4 || length > text.size()) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace

Object::Object(std::initializer_list<Member> members) : members_(members) {}

const Value* Object::find(std::string_view key) const {
  for (const auto& [name, value] : members_) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Object::set(std::string key, Value value) {
  for (auto& [name, held] : members_) {
    if (name == key) {
      held = std::move(value);
      return;
    }
  }
  members_.emplace_back(std::move(key), std::move(value));
}

const Value& Value::operator[](std::string_view key) const {
  static const Value kNull;
  const Object* object = asObject();
  const Value* found = object == nullptr ? nullptr : object->find(key);
  return found == nullptr ? kNull : *found;
}

std::string Value::textOr(std::string_view fallback) const {
  if (const auto* text = asString()) return *text;
  if (const auto* integer = asInt()) return std::to_string(*integer);
  if (const auto* flag = asBool()) return *flag ? "1" : "0";
  if (asDouble() != nullptr) return write(*this);
  return std::string(fallback);
}

Result<Value> parse(std::string_view text) try {
  // Poco 1.11 throws a logic error on a top-level scalar and cuts strings at a NUL.
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return Error{Code::kInvalid, "empty"};
  if (text[start] != '{' && text[start] != '[') {
    return Error{Code::kInvalid, "neither an object nor an array"};
  }
  if (text.find('\0') != std::string_view::npos) return Error{Code::kInvalid, "holds a NUL byte"};
  if (holdsHugeInteger(text)) return Error{Code::kInvalid, "holds an integer beyond 64 bits"};
  if (holdsNulInKey(text)) return Error{Code::kInvalid, "holds a NUL in a name"};
  Poco::SharedPtr<TreeBuilder> builder = new TreeBuilder;
  Poco::JSON::Parser parser(builder);
  parser.setDepth(64);
  parser.parse(std::string(text));
  return builder->take();
} catch (const Poco::Exception&) {
  // The exception's text may quote the input, so it stays here.
  return Error{Code::kInvalid, "not valid JSON"};
}

std::string write(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

void appendString(std::string& out, std::string_view text) {
  if (!isValidUtf8(text)) return appendString(out, repaired(text));
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t plain = plainRun(text);
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    appendEscaped(out, text.front());
    text.remove_prefix(1);
  }
  out.push_back('"');
}

}  // namespace mbr::json
