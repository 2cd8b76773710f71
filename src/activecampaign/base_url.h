// Where the account lives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mbr::activecampaign {

struct BaseUrl {
  bool tls = true;
  std::string host;  // name or literal address, without brackets
  std::uint16_t port = 443;
  // The value of the Host header.
  std::string authority() const;
};

// Reads https://HOST[:PORT][/][api/3[/]]. Plain http is taken only for this machine: 127.0.0.0/8,
// ::1 and localhost. No user, query, fragment or other path; no blank or control character.
// Errors: kInvalid, with what is expected.
Result<BaseUrl> parseBaseUrl(std::string_view text);

// True for localhost and for literal addresses of 127.0.0.0/8 and ::1.
bool isLoopbackHost(std::string_view host);

}  // namespace mbr::activecampaign
