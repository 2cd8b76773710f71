// A client's address as it is counted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mbr::access {

// An IPv4 address, or the /64 of an IPv6 one, since a client has all of its /64. IPv4 mapped into
// IPv6 counts as IPv4. Immutable.
class Address {
 public:
  // A literal without brackets, zone, port or blanks; nothing otherwise.
  static std::optional<Address> parse(std::string_view text);

  const std::string& bytes() const { return bytes_; }  // 4 or 8
  friend bool operator==(const Address& a, const Address& b) { return a.bytes_ == b.bytes_; }

 private:
  explicit Address(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

}  // namespace mbr::access
