#include "http/request.h"

namespace mbr::http {

std::string_view Request::header(std::string_view lowerCaseName) const {
  const auto found = headers.find(lowerCaseName);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string Request::mediaType() const {
  const std::string_view text = std::string_view(contentType).substr(0, contentType.find(';'));
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  std::string type(text.substr(first, text.find_last_not_of(" \t") - first + 1));
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return type;
}

}  // namespace mbr::http
