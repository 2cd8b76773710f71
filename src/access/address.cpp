#include "access/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace mbr::access {
namespace {

constexpr std::size_t kNetworkBytes = 8;

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  // inet_pton stops at a zero byte, which would let any tail follow an address.
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string literal(text);
  in_addr v4{};
  if (::inet_pton(AF_INET, literal.c_str(), &v4) == 1) {
    return Address(std::string(reinterpret_cast<const char*>(&v4), sizeof v4));
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, literal.c_str(), &v6) != 1) return std::nullopt;
  const auto* bytes = reinterpret_cast<const char*>(v6.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return Address(std::string(bytes + 12, 4));
  return Address(std::string(bytes, kNetworkBytes));
}

}  // namespace mbr::access
