// The hot cache: what most reads cost, and what the first one after a change does.
#include <benchmark/benchmark.h>

#include "contacts/contact_cache.h"
#include "micro/bench_store.h"

namespace mbr::bench {
namespace {

constexpr int kContacts = 128;

void cacheHitByEmail(benchmark::State& state) {
  BenchStore database;
  database.addContacts(kContacts);
  const contacts::Directories directories(database.store());
  contacts::ContactCache cache(database.store(), directories, {});
  std::vector<Email> emails;
  for (int i = 0; i < kContacts; ++i) emails.push_back(*Email::parse(emailOf(kFirstId + i)));
  std::size_t at = 0;
  for (auto _ : state) {
    auto found = cache.findByEmail(emails[at++ % emails.size()]);
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(cacheHitByEmail);

void cacheMissById(benchmark::State& state) {
  BenchStore database;
  database.addContacts(kContacts);
  const contacts::Directories directories(database.store());
  contacts::ContactCache cache(database.store(), directories, {});
  ContactId at = 0;
  for (auto _ : state) {
    const ContactId id = kFirstId + at++ % kContacts;
    cache.invalidate({store::Change{1, store::ChangeKind::kContact, id, {}}});
    auto found = cache.findById(id);
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(cacheMissById);

void render(benchmark::State& state) {
  BenchStore database;
  const contacts::Directories directories(database.store());
  const auto names = directories.names();
  const Contact one = contact(kFirstId);
  for (auto _ : state) {
    auto json = contacts::renderContact(one, *names);
    benchmark::DoNotOptimize(json);
  }
}
BENCHMARK(render);

}  // namespace
}  // namespace mbr::bench
