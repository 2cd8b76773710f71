// The configuration and what commands open of it.
#pragma once

#include <memory>
#include <string>

#include "app/installation.h"
#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::cli {

// Reads the configuration and, if this is root, becomes the owner of the store's directory for
// good. Throws Failure with every problem (kConfiguration), or kNotPermitted.
config::Config loadAsOwner(const std::string& path);

// The database must be there and of this release: else it says what to do. Throws Failure
// (kConfiguration, kTryLater, …).
void requireStore(const config::Config& config);

// What commands need that work on the store alone.
class Workplace {
 public:
  // As loadAsOwner; then opens the store. From here on nothing is logged. Throws Failure,
  // app::StartError.
  explicit Workplace(const std::string& configPath);
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  SystemClock clock;
  SystemRandom random;
  const config::Config config;
  const passwords::KeyRing keys;
  const std::unique_ptr<store::Store> store;
  const app::Installation installation;
};

}  // namespace mbr::cli
