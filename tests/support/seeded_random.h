// Randomness that a test can repeat.
#pragma once

#include <mutex>
#include <random>

#include "base/random.h"

namespace mbr::test {

// Thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}

  void fill(void* bytes, std::size_t size) override {
    const std::lock_guard lock(mutex_);
    auto* out = static_cast<unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(engine_() >> 24);
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace mbr::test
