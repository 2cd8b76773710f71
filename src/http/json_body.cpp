#include "http/json_body.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/utf8.h"
#include "http/problem.h"

namespace mbr::http {
namespace {

std::string quoted(std::string_view name) { return "\"" + std::string(name.substr(0, 64)) + "\""; }

// Whether every charset parameter of the media type says UTF-8.
bool charsetIsUtf8(std::string_view contentType) {
  std::string lower(contentType);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kName = "charset=";
  for (auto at = lower.find(kName); at != std::string::npos; at = lower.find(kName, at)) {
    at += kName.size();
    std::string charset = lower.substr(at, lower.find(';', at) - at);
    const auto unwanted = [](char c) { return c == '"' || c == ' ' || c == '\t'; };
    charset.erase(std::remove_if(charset.begin(), charset.end(), unwanted), charset.end());
    if (charset != "utf-8") return false;
  }
  return true;
}

constexpr std::int64_t kMaxId = (std::int64_t{1} << 53) - 1;  // what every JSON reader can hold

bool isTextOrId(const json::Value& value) {
  if (value.asString() != nullptr) return true;
  const std::int64_t* const number = value.asInt();
  return number != nullptr && *number >= 1 && *number <= kMaxId;
}

// What is wrong with the text, as the end of a sentence about a member; null if nothing is.
const char* faultOf(const std::string& text, std::size_t maxBytes) {
  if (text.size() > maxBytes) return " is too long.";
  if (hasControlCharacter(text)) return " holds a control character.";
  return nullptr;
}

}  // namespace

JsonBody::JsonBody(const Request& request, std::size_t maxBytes) : requestId_(request.requestId) {
  if (request.mediaType() != "application/json" || !charsetIsUtf8(request.contentType)) {
    refusal_ = problem(request, 415, "unsupported_media_type",
                       "The body must be application/json in UTF-8.");
    return;
  }
  if (request.bodyState == Request::BodyState::kTooLarge || request.body.size() > maxBytes) {
    refusal_ = problem(request, 413, "too_large",
                       "The body may have at most " + std::to_string(maxBytes) + " bytes.");
    return;
  }
  if (request.bodyState == Request::BodyState::kIncomplete) {
    refuse("invalid_request", "The body is not as long as Content-Length says.");
    return;
  }
  auto parsed = json::parse(request.body);
  json::Object* const object = parsed ? parsed.value().asObject() : nullptr;
  if (object == nullptr) {
    const std::string why = parsed ? "it is an array" : parsed.error().detail;
    refuse("invalid_request", "The body must be a JSON object: " + why + ".");
    return;
  }
  object_ = std::move(*object);
}

std::string JsonBody::requiredString(std::string_view name, std::size_t maxBytes) {
  auto text = optionalString(name, maxBytes);
  if (!text) refuse("invalid_request", "The member " + quoted(name) + " is required.");
  return std::move(text).value_or(std::string());
}

std::optional<std::string> JsonBody::optionalString(std::string_view name, std::size_t maxBytes) {
  const json::Value* value = take(name);
  if (value == nullptr) return std::nullopt;
  const std::string* text = value->asString();
  const char* fault = text == nullptr ? " must be a string." : faultOf(*text, maxBytes);
  if (fault != nullptr) {
    refuse("invalid_request", "The member " + quoted(name) + fault);
    return std::nullopt;
  }
  return *text;
}

std::optional<bool> JsonBody::optionalBool(std::string_view name) {
  const json::Value* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (const bool* flag = value->asBool()) return *flag;
  refuse("invalid_request", "The member " + quoted(name) + " must be true or false.");
  return std::nullopt;
}

std::vector<std::string> JsonBody::optionalStrings(std::string_view name, std::size_t maxItems,
                                                   std::size_t maxBytes) {
  const json::Value* value = take(name);
  if (value == nullptr) return {};
  const auto wrong = [&](const std::string& why) {
    refuse("invalid_request", "The member " + quoted(name) + why);
    return std::vector<std::string>{};
  };
  const json::Array* items = value->asArray();
  if (items == nullptr) return wrong(" must be an array of strings.");
  if (items->size() > maxItems) {
    return wrong(" may have at most " + std::to_string(maxItems) + " items.");
  }
  std::vector<std::string> texts;
  texts.reserve(items->size());
  for (const json::Value& item : *items) {
    if (!isTextOrId(item)) return wrong(" must be an array of strings and ids.");
    texts.push_back(item.textOr(""));
    if (const char* fault = faultOf(texts.back(), maxBytes))
      return wrong(": an item" + std::string(fault));
  }
  return texts;
}

const json::Value* JsonBody::optionalValue(std::string_view name) { return take(name); }

void JsonBody::refuse(std::string_view code, std::string_view detail) {
  if (!refusal_) refusal_ = problemFor(requestId_, 400, code, detail);
}

void JsonBody::refuseUnknown() {
  for (const auto& [name, value] : object_.members()) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) {
      refuse("unknown_field", "The member " + quoted(name) + " is not known here.");
    }
  }
}

std::optional<Response> JsonBody::refusal() {
  refuseUnknown();
  return refusal_;
}

// A null says the same as an absent member.
const json::Value* JsonBody::take(std::string_view name) {
  asked_.emplace_back(name);
  const json::Value* value = object_.find(name);
  return value == nullptr || value->isNull() ? nullptr : value;
}

}  // namespace mbr::http
