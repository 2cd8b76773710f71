#include "web.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "json_out.h"

namespace acsim {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Query::Query(std::string_view encoded) {
  for (const std::string& pair : split(encoded, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view view(pair);
    items_.emplace_back(urlDecode(view.substr(0, equals)),
                        equals == std::string::npos ? "" : urlDecode(view.substr(equals + 1)));
  }
}

std::optional<std::string> Query::find(std::string_view name) const {
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->first == name) return item->second;
  }
  return {};
}

std::string Query::get(std::string_view name, std::string otherwise) const {
  return find(name).value_or(std::move(otherwise));
}

long Query::number(std::string_view name, long otherwise) const {
  const auto found = find(name);
  return found && !found->empty() ? std::strtol(found->c_str(), nullptr, 10) : otherwise;
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : items_) {
    const bool same = key.compare(0, name.size(), name) == 0;
    if (same && (key.size() == name.size() || key[name.size()] == '[')) values.push_back(value);
  }
  return values;
}

Answer json(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

Answer message(int status, std::string_view text) {
  return json(status, JsonOut().open().put("message", text).close().take());
}

Answer errors(int status, const ErrorEntry& entry) {
  JsonOut out;
  out.open().key("errors").openArray().open();
  if (entry.status != 0) out.put("status", entry.status);
  out.put("title", entry.title);
  if (entry.status == 0 || !entry.detail.empty()) out.put("detail", entry.detail);
  if (!entry.code.empty()) out.put("code", entry.code);
  if (!entry.error.empty()) out.put("error", entry.error);
  if (!entry.pointer.empty()) {
    out.key("source").open().put("pointer", entry.pointer).close();
  }
  out.close().closeArray().close();
  return json(status, out.take());
}

Answer noResult(std::string_view noun, long id) {
  return message(404,
                 "No Result found for " + std::string(noun) + " with id " + std::to_string(id));
}

Answer notFound() { return message(404, "No route found"); }

Answer notAllowed() { return message(405, "Method Not Allowed"); }

std::string urlDecode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && hexDigit(text[at + 1]) >= 0 &&
        hexDigit(text[at + 2]) >= 0) {
      out += static_cast<char>(hexDigit(text[at + 1]) * 16 + hexDigit(text[at + 2]));
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

std::string urlEncode(std::string_view text) {
  static const char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || c == '.') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(separator, at);
    pieces.emplace_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return pieces;
    at = end + 1;
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace acsim
