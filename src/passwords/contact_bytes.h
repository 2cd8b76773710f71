// A contact id as bytes of fixed length, for digests and seals. Private to this room.
#pragma once

#include <cstdint>
#include <string>

#include "domain/ids.h"

namespace mbr::passwords {

// Eight bytes, most significant first.
inline std::string contactBytes(ContactId contact) {
  const auto value = static_cast<std::uint64_t>(contact);
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
  return out;
}

}  // namespace mbr::passwords
