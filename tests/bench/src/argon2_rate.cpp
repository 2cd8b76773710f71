// How many passwords these cores can check in a second, with nothing around it.
//
//   argon2_rate THREADS SECONDS      prints checks a second
#include <sodium.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

// As passwords/hasher.cpp.
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = 19 * 1024 * 1024;
constexpr const char* kPassword = "correct horse battery staple";

using Clock = std::chrono::steady_clock;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || sodium_init() < 0) return 2;
  const int count = std::atoi(argv[1]);
  const double seconds = std::atof(argv[2]);
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const auto length = std::strlen(kPassword);
  if (crypto_pwhash_str(hash.data(), kPassword, length, kPasses, kMemoryBytes) != 0) return 1;

  std::atomic<long> checks{0};
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration<double>(seconds);
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      while (Clock::now() < end) {
        if (crypto_pwhash_str_verify(hash.data(), kPassword, length) != 0) std::abort();
        ++checks;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - start;
  std::printf("%.3f\n", static_cast<double>(checks) / took.count());
}
