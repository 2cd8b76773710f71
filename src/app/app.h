// The whole service: builds every object, hands each what it needs, starts and stops it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "config/config.h"

namespace mbr::app {

// Why the service cannot start: a sentence for the operator, and the exit code that says the same
// (69 something needed is down, 75 try later, 77 not permitted, 78 configuration).
class StartError : public std::runtime_error {
 public:
  StartError(int exitCode, const std::string& sentence)
      : std::runtime_error(sentence), exitCode_(exitCode) {}
  int exitCode() const { return exitCode_; }

 private:
  int exitCode_;
};

// All of it is for one thread, the one that owns the object.
class App {
 public:
  // Opens and migrates the store and reads what the start depends on. Throws StartError.
  explicit App(config::Config config);
  ~App();  // stops
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Outbox, live pulls, then FastCGI. Throws StartError.
  void start();

  // FastCGI first, store last: what was accepted is answered, what was begun is finished. Safe to
  // repeat.
  void stop();

 private:
  struct House;
  std::unique_ptr<House> house_;
};

}  // namespace mbr::app
