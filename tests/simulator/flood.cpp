#include "flood.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include "poster.h"
#include "stamp.h"

namespace acsim {
namespace {

constexpr std::size_t kSenders = 32;

// Sleeps until `due` in slices short enough to notice `stopping`.
void waitUntil(Ms due, const std::atomic<bool>& stopping) {
  for (Ms left = due - nowMs(); left > 0 && !stopping; left = due - nowMs()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<Ms>(left, 100)));
  }
}

}  // namespace

FloodResult run(const Flood& flood, const std::atomic<bool>& stopping) {
  const std::size_t times = static_cast<std::size_t>(std::max(flood.times, 1L));
  const std::size_t total = flood.bodies.size() * times;
  const Ms start = nowMs();
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  FloodResult result;

  // The copies of a body are neighbours, so that idle senders take them together.
  const auto send = [&] {
    Poster poster;
    std::map<int, long> answers;
    for (std::size_t i = next++; i < total && !stopping; i = next++) {
      const std::size_t body = i / times;
      if (flood.rate > 0) {
        waitUntil(start + static_cast<Ms>(1000.0 * static_cast<double>(body * times) / flood.rate),
                  stopping);
      }
      ++answers[poster.post(flood.url, flood.bodies[body])];
    }
    const std::lock_guard<std::mutex> lock(mutex);
    for (const auto& [status, count] : answers) {
      result.answers[status] += count;
      result.sent += count;
    }
  };

  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < std::min(total, kSenders); ++i) senders.emplace_back(send);
  for (std::thread& sender : senders) sender.join();
  result.elapsedMs = nowMs() - start;
  return result;
}

}  // namespace acsim
