#include "fastcgi/params.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"

namespace mbr::fastcgi {
namespace {

constexpr std::string_view kHeaderPrefix = "HTTP_";
constexpr std::string_view kOwnPrefix = "MEMBERGATE_";
constexpr std::string_view kRequestIdParam = "MEMBERGATE_REQUEST_ID";
constexpr std::size_t kMaxRequestIdBytes = 64;

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::optional<std::size_t> parseLength(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return length;
}

// The path of a request line, which may be of the absolute form "http://host/path".
std::string_view pathOf(std::string_view uri) {
  uri = uri.substr(0, uri.find('?'));
  const auto scheme = uri.find("://");
  if (uri.empty() || uri.front() == '/' || scheme == std::string_view::npos) return uri;
  const auto slash = uri.find('/', scheme + 3);
  return slash == std::string_view::npos ? std::string_view("/") : uri.substr(slash);
}

bool isSafeId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string randomId() {
  static SystemRandom random;
  return toHex(random.bytes(16));
}

std::string headerName(std::string_view suffix) {
  std::string name(suffix);
  for (char& c : name) {
    if (c == '_') {
      c = '-';
    } else if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return name;
}

void readHeader(std::string_view suffix, std::string_view value, http::Request& request) {
  if (suffix == "AUTHORIZATION") {
    request.authorization = value;
  } else if (suffix != "PROXY" && suffix != "CONTENT_TYPE" && suffix != "CONTENT_LENGTH") {
    request.headers.insert_or_assign(headerName(suffix), std::string(value));
  }
}

}  // namespace

Announced readParams(const char* const* parameters, http::Request& request) {
  Announced announced;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"REQUEST_METHOD", &request.method},
      {"QUERY_STRING", &request.query},
      {"DOCUMENT_URI", &request.documentUri},
      {"CONTENT_TYPE", &request.contentType},
      {"REMOTE_ADDR", &request.remoteAddress}};
  for (; *parameters != nullptr; ++parameters) {
    const std::string_view parameter = *parameters;
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = parameter.substr(0, equals);
    const auto value = parameter.substr(equals + 1);
    if (startsWith(name, kHeaderPrefix)) {
      readHeader(name.substr(kHeaderPrefix.size()), value, request);
    } else if (startsWith(name, kOwnPrefix)) {
      request.params.insert_or_assign(std::string(name), std::string(value));
      if (name == kRequestIdParam && isSafeId(value)) request.requestId = value;
    } else if (name == "REQUEST_URI") {
      request.path = pathOf(value);
    } else if (name == "CONTENT_LENGTH") {
      announced.contentLength = parseLength(value);
    } else if (name == "HTTPS") {
      request.https = value == "on" || value == "1";
    } else {
      for (const auto& [known, text] : texts) {
        if (name == known) *text = value;
      }
    }
  }
  announced.hasMethod = !request.method.empty();
  if (request.requestId.empty()) request.requestId = randomId();
  return announced;
}

}  // namespace mbr::fastcgi
