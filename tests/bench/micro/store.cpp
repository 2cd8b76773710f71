// The store: webhooks in commits of several sizes, and a contact read from the file.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <mutex>

#include "base/random.h"
#include "http/form.h"
#include "members/delivery_applier.h"
#include "micro/bench_store.h"
#include "passwords/key_ring.h"
#include "passwords/sealer.h"
#include "webhook/delivery_parser.h"

namespace mbr::bench {
namespace {

constexpr int kContacts = 128;

passwords::KeyRing newKeyRing(Random& random) {
  const test::TempDir folder;
  const std::string path = folder.file("master.key");
  if (!passwords::KeyRing::create(path, random)) throw std::runtime_error("no master key");
  auto ring = passwords::KeyRing::load(path);
  if (!ring) throw std::runtime_error(ring.error().detail);
  return std::move(ring).value();
}

// Counts down from what was begun, and waits for the end.
class Tally {
 public:
  explicit Tally(int open) : open_(open) {}
  void done() {
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) none_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return open_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int open_;  // guarded by mutex_
};

// range(0) webhooks at once, each of another contact and each a change; done when all are on disk.
// While the first of them is committed the others gather, so it is two commits.
void commitWebhooks(benchmark::State& state) {
  BenchStore database;
  database.addContacts(kContacts);
  const contacts::Directories directories(database.store());
  SystemRandom random;
  const passwords::KeyRing keys = newKeyRing(random);
  const passwords::Sealer sealer(keys, random);
  members::DeliveryApplier applier(database.store(), directories, sealer, database.clock(), {},
                                   [] {});
  const auto count = static_cast<int>(state.range(0));
  int round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Delivery> deliveries;
    const std::string note = "changed+" + std::to_string(++round) + "+times";
    for (int i = 0; i < count; ++i) {
      const auto form = http::parseForm(automationBody(kFirstId + i % kContacts, note));
      auto delivery = webhook::parseDelivery(*form, database.clock().now(),
                                             [](std::string_view) { return false; });
      delivery->route = "mbr_genpass";
      delivery->followUp.password = true;
      delivery->digest = std::string(12, 'd') + std::to_string(round % 8999 + 1000);
      deliveries.push_back(std::move(*delivery));
    }
    Tally tally(count);
    state.ResumeTiming();
    for (Delivery& delivery : deliveries) {
      applier.apply(std::move(delivery), [&](const Result<members::Receipt>& receipt) {
        if (!receipt) std::abort();
        tally.done();
      });
    }
    tally.wait();
  }
  state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(commitWebhooks)->Arg(1)->Arg(32)->Arg(128)->UseRealTime()->Unit(benchmark::kMicrosecond);

void readContact(benchmark::State& state) {
  BenchStore database;
  database.addContacts(kContacts);
  ContactId at = 0;
  for (auto _ : state) {
    const ContactId id = kFirstId + at++ % kContacts;
    const Outcome read = database.store().read([&](store::Reader& reader) -> Outcome {
      auto found = reader.findContact(id);
      benchmark::DoNotOptimize(found);
      return Done{};
    });
    if (!read) state.SkipWithError("the store does not answer");
  }
}
BENCHMARK(readContact);

}  // namespace
}  // namespace mbr::bench
