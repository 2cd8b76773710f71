#include "activecampaign/base_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mbr::activecampaign {
namespace {

Error refuse(const char* expected) { return Error{Code::kInvalid, expected}; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool startsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool isIpv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool isHostName(const std::string& host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

bool parsePort(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && stop == end && port != 0;
}

// Splits HOST[:PORT] or [V6][:PORT]; `port` stays as it is if there is none.
bool parseAuthority(std::string_view text, std::string& host, std::uint16_t& port) {
  std::string_view rest;
  if (startsWith(text, "[")) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return false;
    host = lower(text.substr(1, close - 1));
    if (!isIpv6(host)) return false;
    rest = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    host = lower(text.substr(0, colon));
    if (!isHostName(host)) return false;
    rest = text.substr(colon);
  }
  return rest.empty() || (rest.front() == ':' && parsePort(rest.substr(1), port));
}

}  // namespace

std::string BaseUrl::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

bool isLoopbackHost(std::string_view host) {
  const std::string name(host);
  if (name == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<BaseUrl> parseBaseUrl(std::string_view text) {
  const auto isPlain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (text.size() > 512 || !std::all_of(text.begin(), text.end(), isPlain)) {
    return refuse("must be https://HOST without blanks or control characters");
  }
  BaseUrl url;
  const std::string scheme = lower(text.substr(0, std::min<std::size_t>(text.find(':'), 8)));
  if (scheme == "http") {
    url.tls = false;
    url.port = 80;
  } else if (scheme != "https") {
    return refuse("must begin with https://");
  }
  text.remove_prefix(scheme.size());
  if (!startsWith(text, "://")) return refuse("must begin with https://");
  text.remove_prefix(3);
  if (text.find_first_of("@?#\\") != std::string_view::npos) {
    return refuse("must hold no user, query or fragment");
  }
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view path = text.substr(slash);
  if (!path.empty() && path != "/" && path != "/api/3" && path != "/api/3/") {
    return refuse("must hold no path but /api/3");
  }
  if (!parseAuthority(text.substr(0, slash), url.host, url.port)) {
    return refuse("must name a host, and a port from 1 to 65535 if any");
  }
  if (!url.tls && !isLoopbackHost(url.host)) {
    return refuse("must begin with https://; plain http is for loopback hosts only");
  }
  return url;
}

}  // namespace mbr::activecampaign
