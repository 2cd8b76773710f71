// More bytes never change a verdict: only an unfinished head may become something else.
// sources: fastcgi/request_head.cpp
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fastcgi/request_head.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mbr::fastcgi::checkHead;
  using mbr::fastcgi::HeadCheck;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = checkHead(bytes);
  const auto half = checkHead(bytes.substr(0, size / 2));
  if (half != HeadCheck::kUnfinished && half != whole) std::abort();
  return 0;
}
