#include "json_in.h"

#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <cstdlib>

namespace acsim {
namespace {

using Poco::Dynamic::Var;

Var parse(const std::string& text) {
  try {
    const bool keepOrder = true;
    return Poco::JSON::Parser(new Poco::JSON::ParseHandler(keepOrder)).parse(text);
  } catch (const Poco::Exception&) {
    return {};
  }
}

template <class T>
T extractOr(const Var& value) {
  return !value.isEmpty() && value.type() == typeid(T) ? value.extract<T>() : T();
}

}  // namespace

JsonObject parseObject(const std::string& text) { return extractOr<JsonObject>(parse(text)); }

JsonArray parseArray(const std::string& text) { return extractOr<JsonArray>(parse(text)); }

bool has(const JsonObject& object, const std::string& key) {
  return object && object->has(key) && !object->get(key).isEmpty();
}

JsonObject child(const JsonObject& object, const std::string& key) {
  return object ? extractOr<JsonObject>(object->get(key)) : JsonObject();
}

JsonArray items(const JsonObject& object, const std::string& key) {
  const JsonArray found = object ? extractOr<JsonArray>(object->get(key)) : JsonArray();
  return found ? found : JsonArray(new Poco::JSON::Array);
}

std::string asText(const Var& value) {
  if (value.isEmpty()) return "";
  if (const JsonArray array = extractOr<JsonArray>(value)) {
    std::string joined;
    for (const Var& item : *array) joined += (joined.empty() ? "||" : "") + asText(item) + "||";
    return joined;
  }
  if (value.type() == typeid(bool)) return value.extract<bool>() ? "1" : "0";
  if (extractOr<JsonObject>(value)) return "";
  return value.toString();
}

std::optional<std::string> optionalText(const JsonObject& object, const std::string& key) {
  if (!has(object, key)) return {};
  return asText(object->get(key));
}

std::string text(const JsonObject& object, const std::string& key, const std::string& otherwise) {
  return optionalText(object, key).value_or(otherwise);
}

std::int64_t integer(const JsonObject& object, const std::string& key, std::int64_t otherwise) {
  const auto found = optionalText(object, key);
  return found ? std::strtoll(found->c_str(), nullptr, 10) : otherwise;
}

double real(const JsonObject& object, const std::string& key, double otherwise) {
  const auto found = optionalText(object, key);
  return found ? std::strtod(found->c_str(), nullptr) : otherwise;
}

bool truth(const JsonObject& object, const std::string& key, bool otherwise) {
  const auto found = optionalText(object, key);
  return found ? *found == "1" || *found == "true" : otherwise;
}

std::vector<std::string> texts(const JsonObject& object, const std::string& key) {
  std::vector<std::string> found;
  const JsonArray array = items(object, key);
  for (const Var& item : *array) found.push_back(asText(item));
  return found;
}

std::int64_t toId(const std::string& text) {
  if (text.empty() || text.size() > 18) return 0;
  if (text.find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::strtoll(text.c_str(), nullptr, 10);
}

void putEcho(JsonOut& out, const std::string& name, const JsonObject& object,
             const std::string& key) {
  const Var value = has(object, key) ? object->get(key) : Var(std::string());
  if (value.isInteger() && value.type() != typeid(bool)) {
    out.put(name, value.convert<Poco::Int64>());
  } else {
    out.put(name, asText(value));
  }
}

}  // namespace acsim
