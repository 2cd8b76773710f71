// Randomness as the service sees it, so that tests can repeat it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mbr {

// Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* bytes, std::size_t size) = 0;

  std::string bytes(std::size_t size);

  // Uniform in [0, bound), without modulo bias. `bound` must not be 0.
  std::uint32_t below(std::uint32_t bound);

  // Uniform in [0, 1), for jitter.
  double unit();
};

// The kernel's generator, through libsodium.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  void fill(void* bytes, std::size_t size) override;
};

}  // namespace mbr
