// What has to be done now and then, on a thread of its own.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/stop_flag.h"

namespace mbr::app {

// add() before start(); start() and stop() by the owner.
class Housekeeper {
 public:
  explicit Housekeeper(const Clock& clock) : clock_(clock) {}
  ~Housekeeper() { stop(); }
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  // Runs `chore` first at start, then `every` so often, counted from its end. A chore that throws
  // is logged and runs again at its next turn.
  void add(std::string name, Milliseconds every, std::function<void()> chore);

  void start();
  void stop();  // finishes the chore in hand, then joins; safe to repeat

 private:
  struct Chore {
    std::string name;
    Milliseconds every;
    std::function<void()> run;
    SteadyInstant next{};
  };

  void loop();

  const Clock& clock_;
  StopFlag stop_;
  std::vector<Chore> chores_;  // the thread's alone, once it runs
  std::thread thread_;
};

}  // namespace mbr::app
