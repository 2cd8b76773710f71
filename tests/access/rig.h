// What the tests of this room stand on: a real store, a clock moved by hand, one or two keys.
#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <string>
#include <utility>

#include "passwords/temp_key_ring.h"
#include "store/store.h"
#include "support/fake_clock.h"
#include "support/seeded_random.h"
#include "support/test_store.h"

namespace mbr::access {

// Passes everything on to another store, except while it is down.
class SwitchedStore final : public store::Store {
 public:
  explicit SwitchedStore(store::Store& inner) : inner_(inner) {}

  void submit(Work work, DoneFn done) override {
    if (down) return done(failure());
    inner_.submit(std::move(work), std::move(done));
  }
  Outcome write(Work work) override { return down ? failure() : inner_.write(std::move(work)); }
  Outcome read(const ReadWork& work) override {
    ++reads;
    return down ? failure() : inner_.read(work);
  }
  void subscribe(Listener listener) override { inner_.subscribe(std::move(listener)); }

  std::atomic<bool> down{false};
  std::atomic<int> reads{0};

 private:
  static Outcome failure() { return Error{Code::kUnavailable, "switched off"}; }

  store::Store& inner_;
};

}  // namespace mbr::access
