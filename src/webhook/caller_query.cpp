#include "webhook/caller_query.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/utf8.h"
#include "http/form.h"

namespace mbr::webhook {
namespace {

constexpr std::size_t kMaxDefaultPassCharacters = 64;

// Calls `visit` with each "name=value" of the query, as sent.
template <class Visit>
void forEachParameter(std::string_view query, const Visit& visit) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    visit(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

bool isCalled(std::string_view parameter, std::string_view name) {
  const std::string_view sent = parameter.substr(0, parameter.find('='));
  return sent == name || percentDecode(sent, true) == name;
}

std::size_t countCharacters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

Result<std::vector<std::int64_t>> idsOf(const http::Form& query, std::string_view name) {
  const std::string_view* text = query.find(name);
  if (text == nullptr) return std::vector<std::int64_t>{};
  auto ids = parseIdList(*text);
  if (ids) return *std::move(ids);
  return Error{Code::kInvalid, "The parameter " + std::string(name) + " is not a list of ids."};
}

// parseForm has seen to it that the text is UTF-8.
Result<std::optional<Secret>> defaultPasswordOf(const http::Form& query) {
  const std::string_view* text = query.find("default_pass");
  if (text == nullptr) return std::optional<Secret>();
  if (text->empty() || countCharacters(*text) > kMaxDefaultPassCharacters ||
      hasControlCharacter(*text)) {
    return Error{Code::kInvalid, "The parameter default_pass is not 1 to 64 characters of text."};
  }
  return std::optional<Secret>(Secret(*text));
}

bool autoregisterOf(const http::Form& query) {
  const std::string_view* text = query.find("autoregister");
  if (text == nullptr) return true;
  std::string lower(*text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower != "n" && lower != "no" && lower != "0" && lower != "false";
}

}  // namespace

std::optional<Secret> securityCode(std::string_view query, std::string_view name) {
  std::optional<Secret> code;
  bool wrong = false;
  forEachParameter(query, [&](std::string_view parameter) {
    if (!isCalled(parameter, name)) return;
    const auto equals = std::min(parameter.find('='), parameter.size() - 1);
    auto value = percentDecode(parameter.substr(equals + 1), false);
    if (code || !value) {
      wrong = true;
    } else {
      code = Secret::take(std::move(*value));
    }
  });
  return wrong ? std::nullopt : code;
}

std::string withoutParameter(std::string_view query, std::string_view name) {
  std::string rest;
  forEachParameter(query, [&](std::string_view parameter) {
    if (parameter.empty() || isCalled(parameter, name)) return;
    if (!rest.empty()) rest.push_back('&');
    rest += parameter;
  });
  return rest;
}

Result<FollowUp> genpassFollowUp(std::string_view query) {
  auto form = http::parseForm(query);
  if (!form) return Error{Code::kInvalid, "The query of the URL is not a valid form."};
  auto tags = idsOf(*form, "tid");
  if (!tags) return tags.error();
  auto automations = idsOf(*form, "automation");
  if (!automations) return automations.error();
  auto defaultPassword = defaultPasswordOf(*form);
  if (!defaultPassword) return defaultPassword.error();
  FollowUp followUp;
  followUp.password = true;
  followUp.tags = std::move(tags).value();
  followUp.automations = std::move(automations).value();
  followUp.defaultPassword = std::move(defaultPassword).value();
  followUp.autoregister = autoregisterOf(*form);
  return followUp;
}

}  // namespace mbr::webhook
