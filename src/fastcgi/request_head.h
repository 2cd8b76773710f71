// Whether the head of a request may be given to libfcgi.
//
// libfcgi allocates as many bytes as a parameter's length announces, up to 2 GB, and aborts the
// process if there is no memory. So the records before the body are looked at first, without
// taking them from the socket.
#pragma once

#include <cstddef>
#include <string_view>

namespace mbr::fastcgi {

// Larger heads are refused; nginx accepts 32 KiB of headers by default.
constexpr std::size_t kMaxHeadBytes = 64 * 1024;

enum class HeadCheck {
  kWhole,       // begin record and parameters, all of them, each of the length it announces
  kUnfinished,  // right so far, but there must be more
  kBroken,
};

// `bytes` start at a begin record; what follows the parameters is not looked at.
HeadCheck checkHead(std::string_view bytes);

}  // namespace mbr::fastcgi
