// Reads request bodies leniently, as PHP would: numbers and strings are alike.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "json_out.h"

namespace acsim {

using JsonObject = Poco::JSON::Object::Ptr;
using JsonArray = Poco::JSON::Array::Ptr;

// Null if `text` is not a JSON object (or array).
JsonObject parseObject(const std::string& text);
JsonArray parseArray(const std::string& text);

// All of these take a null object as an empty one.
bool has(const JsonObject& object, const std::string& key);
JsonObject child(const JsonObject& object, const std::string& key);
JsonArray items(const JsonObject& object, const std::string& key);
std::optional<std::string> optionalText(const JsonObject& object, const std::string& key);
std::string text(const JsonObject& object, const std::string& key,
                 const std::string& otherwise = "");
std::int64_t integer(const JsonObject& object, const std::string& key, std::int64_t otherwise = 0);
double real(const JsonObject& object, const std::string& key, double otherwise = 0);
bool truth(const JsonObject& object, const std::string& key, bool otherwise = false);
std::vector<std::string> texts(const JsonObject& object, const std::string& key);

// A scalar as text; an array as ActiveCampaign's `||a||b||`; null as "".
std::string asText(const Poco::Dynamic::Var& value);

// The digits of an id, or 0 for anything else.
std::int64_t toId(const std::string& text);

// Writes a value as it was posted: a number stays a number.
void putEcho(JsonOut& out, const std::string& name, const JsonObject& object,
             const std::string& key);

}  // namespace acsim
