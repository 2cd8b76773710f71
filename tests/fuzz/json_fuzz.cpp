// Whatever the bytes are, they are refused or become a value that survives being written.
// sources: base/json.cpp base/utf8.cpp
// links: -lPocoJSON -lPocoFoundation
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"

namespace {

std::string writtenAgain(const std::string& text) {
  const auto value = mbr::json::parse(text);
  if (!value) std::abort();
  return mbr::json::write(*value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = mbr::json::parse({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  const std::string written = mbr::json::write(*value);
  if (!mbr::isValidUtf8(written)) std::abort();
  // Once may change it: a double like -0.0 is written without a point and read as an integer.
  const std::string second = writtenAgain(written);
  if (writtenAgain(second) != second) std::abort();
  return 0;
}
