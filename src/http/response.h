// One HTTP answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mbr::http {

// Content-Length is added by the server. Header values may hold anything: the server drops CR, LF
// and NUL before they reach the wire.
struct Response {
  int status = 200;
  std::string contentType = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // If set it is sent instead of `body`; lets a cached text be sent without a copy.
  std::shared_ptr<const std::string> sharedBody;

  Response& with(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  std::string_view bodyView() const {
    return sharedBody ? std::string_view(*sharedBody) : std::string_view(body);
  }
};

}  // namespace mbr::http
