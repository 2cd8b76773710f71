#include "app/housekeeper.h"

#include <algorithm>
#include <exception>

#include "ops/log.h"

namespace mbr::app {

void Housekeeper::add(std::string name, Milliseconds every, std::function<void()> chore) {
  chores_.push_back({std::move(name), every, std::move(chore), {}});
}

void Housekeeper::start() {
  if (chores_.empty()) return;
  thread_ = std::thread([this] { loop(); });
}

void Housekeeper::stop() {
  stop_.raise();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::loop() {
  SteadyInstant wakeAt = clock_.steady();
  while (!stop_.waitUntil(wakeAt)) {
    for (Chore& chore : chores_) {
      if (chore.next > clock_.steady()) continue;
      try {
        chore.run();
      } catch (const std::exception& e) {
        ops::logError("chore_failed", {{"chore", chore.name}, {"what", e.what()}});
      } catch (...) {
        ops::logError("chore_failed", {{"chore", chore.name}, {"what", "unknown exception"}});
      }
      chore.next = clock_.steady() + chore.every;
    }
    wakeAt = std::min_element(chores_.begin(), chores_.end(), [](const Chore& a, const Chore& b) {
               return a.next < b.next;
             })->next;
  }
}

}  // namespace mbr::app
