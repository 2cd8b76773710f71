// A store that fails when it is told to.
#pragma once

#include <mutex>

#include "store/store.h"

namespace mbr::test {

// Thread-safe. Passes everything on to `inner` but the calls that it was told to fail.
class FailingStore final : public store::Store {
 public:
  enum class Step {
    kSubmit,  // refused with kBusy: the work never runs
    kBegin,   // kUnavailable: the work never runs
    kWork,    // the work runs, and then the database fails it: rolled back, kUnavailable
    kRead,    // kUnavailable: the read never runs
  };

  // `inner` must outlive this store.
  explicit FailingStore(store::Store& inner) : inner_(inner) {}

  // Lets the next `nth - 1` calls that reach `step` pass, then fails `times` of them. A later call
  // replaces an earlier one.
  void failAt(Step step, int nth = 1, int times = 1);
  // How many calls failed since it was made.
  int failed() const;

  void submit(Work work, DoneFn done) override;
  Outcome write(Work work) override;
  Outcome writeAhead(Work work) override;
  Outcome read(const ReadWork& work) override;
  void subscribe(Listener listener) override { inner_.subscribe(std::move(listener)); }

 private:
  bool strikes(Step step);
  Work brokenBy(Work work);

  store::Store& inner_;
  mutable std::mutex mutex_;
  Step step_ = Step::kSubmit;  // guarded by mutex_
  int passes_ = 0;             // guarded by mutex_
  int times_ = 0;              // guarded by mutex_
  int failed_ = 0;             // guarded by mutex_
};

}  // namespace mbr::test
