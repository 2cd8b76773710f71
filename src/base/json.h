// JSON (RFC 8259): a value tree, a strict reader and a writer.
//
// Reading goes through Poco's parser, which refuses comments, trailing commas, bad UTF-8 and lone
// surrogates. Objects keep the order of their keys; of a repeated key the last one wins.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace mbr::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;

// An object's members, in order. Small, so look-up is a scan.
class Object {
 public:
  Object() = default;
  Object(std::initializer_list<Member> members);

  const Value* find(std::string_view key) const;  // null if absent
  void set(std::string key, Value value);         // replaces an earlier one
  const std::vector<Member>& members() const { return members_; }
  bool empty() const { return members_.empty(); }

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool value) : held_(value) {}
  Value(int value) : held_(std::int64_t{value}) {}
  Value(std::int64_t value) : held_(value) {}
  Value(double value) : held_(value) {}
  Value(const char* value) : held_(std::string(value)) {}
  Value(std::string_view value) : held_(std::string(value)) {}
  Value(std::string value) : held_(std::move(value)) {}
  Value(Array value) : held_(std::move(value)) {}
  Value(Object value) : held_(std::move(value)) {}

  bool isNull() const { return std::holds_alternative<std::monostate>(held_); }
  // The value if it is of that type, else null. A double never passes for an integer.
  const bool* asBool() const { return std::get_if<bool>(&held_); }
  const std::int64_t* asInt() const { return std::get_if<std::int64_t>(&held_); }
  const double* asDouble() const { return std::get_if<double>(&held_); }
  const std::string* asString() const { return std::get_if<std::string>(&held_); }
  const Array* asArray() const { return std::get_if<Array>(&held_); }
  const Object* asObject() const { return std::get_if<Object>(&held_); }
  Object* asObject() { return std::get_if<Object>(&held_); }
  Array* asArray() { return std::get_if<Array>(&held_); }

  // Member `key` of an object; null if this is no object or has none. For reading foreign JSON:
  // v["a"]["b"] is null if anything on the way is missing.
  const Value& operator[](std::string_view key) const;

  // A string, or a number or boolean written as text; `fallback` otherwise. ActiveCampaign writes
  // the same id now as "1", now as 1.
  std::string textOr(std::string_view fallback) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> held_;
};

// The top level must be an object or an array; an object has at most 1,000 members, nesting is at
// most 64 deep.
// Errors: kInvalid with the reason (never with the text itself).
Result<Value> parse(std::string_view text);

std::string write(const Value& value);

// Appends `text` as a JSON string, quotes included. Bytes that are not valid UTF-8 become U+FFFD.
void appendString(std::string& out, std::string_view text);

}  // namespace mbr::json
