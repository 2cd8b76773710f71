#include "support/failing_store.h"

namespace mbr::test {
namespace {

const Error kDown{Code::kUnavailable, "failed by the test", std::nullopt};
const Error kFull{Code::kBusy, "refused by the test", std::chrono::seconds{1}};

}  // namespace

void FailingStore::failAt(Step step, int nth, int times) {
  const std::lock_guard lock(mutex_);
  step_ = step;
  passes_ = nth - 1;
  times_ = times;
}

int FailingStore::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

bool FailingStore::strikes(Step step) {
  const std::lock_guard lock(mutex_);
  if (step != step_ || times_ == 0) return false;
  if (passes_ > 0) {
    --passes_;
    return false;
  }
  --times_;
  ++failed_;
  return true;
}

store::Store::Work FailingStore::brokenBy(Work work) {
  const bool before = strikes(Step::kBegin);
  const bool after = !before && strikes(Step::kWork);
  if (!before && !after) return work;
  return [work = std::move(work), after](store::Transaction& tx) -> Outcome {
    if (after) (void)work(tx);
    throw store::Failed(kDown);
  };
}

void FailingStore::submit(Work work, DoneFn done) {
  if (strikes(Step::kSubmit)) return done(kFull);
  inner_.submit(brokenBy(std::move(work)), std::move(done));
}

Outcome FailingStore::write(Work work) {
  if (strikes(Step::kSubmit)) return kFull;
  return inner_.write(brokenBy(std::move(work)));
}

Outcome FailingStore::writeAhead(Work work) {
  if (strikes(Step::kSubmit)) return kFull;
  return inner_.writeAhead(brokenBy(std::move(work)));
}

Outcome FailingStore::read(const ReadWork& work) {
  if (strikes(Step::kRead)) return kDown;
  return inner_.read(work);
}

}  // namespace mbr::test
