#include "base/random.h"

#include <sodium.h>

#include <stdexcept>

namespace mbr {

std::string Random::bytes(std::size_t size) {
  std::string out(size, '\0');
  fill(out.data(), size);
  return out;
}

std::uint32_t Random::below(std::uint32_t bound) {
  // Values below 2^32 mod bound would make the low results more likely: draw again.
  const std::uint32_t reject = (0U - bound) % bound;
  std::uint32_t value = 0;
  do {
    fill(&value, sizeof value);
  } while (value < reject);
  return value % bound;
}

double Random::unit() {
  std::uint64_t value = 0;
  fill(&value, sizeof value);
  return static_cast<double>(value >> 11) * 0x1.0p-53;
}

SystemRandom::SystemRandom() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
}

void SystemRandom::fill(void* bytes, std::size_t size) { randombytes_buf(bytes, size); }

}  // namespace mbr
