#include "passwords/hash_memory.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "passwords/hash_pool.h"
#include "passwords/hasher.h"
#include "passwords/temp_key_ring.h"
#include "support/await.h"
#include "support/seeded_random.h"

namespace mbr::passwords {
namespace {

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr std::chrono::hours kLong{1};

class HashMemoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HashMemoryTest);
  CPPUNIT_TEST(theNextHashUsesWhatTheFirstOneLeft);
  CPPUNIT_TEST(hashesAreTheSameInUsedMemory);
  CPPUNIT_TEST(asManyPiecesAreKeptAsHashesRanAtOnce);
  CPPUNIT_TEST(otherParametersTakeThePlaceOfThoseBefore);
  CPPUNIT_TEST(whatNoHashUsedIsLetGo);
  CPPUNIT_TEST(aPoolLetsGoOfItWhileNoTaskComes);
  CPPUNIT_TEST(withoutALoanMappingsAreTheSystems);
  CPPUNIT_TEST(withinALoanOnlyPrivateMemoryIsLent);
  CPPUNIT_TEST(theFirstHashOfAHasherIsNotKept);
  CPPUNIT_TEST_SUITE_END();

  const KeyRing keys = test::keyRing();
  test::SeededRandom random;

  Hasher hasher(HashMemory& memory, std::size_t bytes = kMiB) {
    return {keys, random, {bytes, 1, &memory}};
  }
  static void hash(const Hasher& hasher) { hasher.verifyDummy(Secret("any")); }

  // A mapping as libsodium asks for it.
  static void* map(std::size_t bytes, int flags = MAP_PRIVATE | MAP_ANONYMOUS) {
    return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  }

  void theNextHashUsesWhatTheFirstOneLeft() {
    HashMemory memory(kLong);
    const Hasher hashes = hasher(memory);
    hash(hashes);
    const std::size_t kept = memory.keptBytes();
    CPPUNIT_ASSERT_MESSAGE("libsodium's memory is not seen", kept >= kMiB);
    for (int i = 0; i < 3; ++i) hash(hashes);
    CPPUNIT_ASSERT_EQUAL(kept, memory.keptBytes());
  }

  void hashesAreTheSameInUsedMemory() {
    HashMemory memory(kLong);
    const Hasher keeping = hasher(memory);
    const Hasher plain(keys, random, {kMiB, 1});
    for (const Hasher* maker : {&keeping, &plain, &keeping}) {
      const auto made = maker->makeSlow(42, Secret("correct horse"), CredentialOrigin::kSet, {});
      for (const Hasher* checker : {&plain, &keeping}) {
        CPPUNIT_ASSERT(checker->verify(made, Secret("correct horse")));
        CPPUNIT_ASSERT(!checker->verify(made, Secret("correct horsf")));
      }
    }
  }

  void asManyPiecesAreKeptAsHashesRanAtOnce() {
    HashMemory memory(kLong);
    const auto borrow = [&](const std::function<void()>& meanwhile) {
      const HashMemory::Loan loan(&memory);
      void* const piece = map(kMiB);
      meanwhile();
      ::munmap(piece, kMiB);
    };
    const auto onOther = [&] { std::thread(borrow, [] {}).join(); };
    borrow(onOther);
    CPPUNIT_ASSERT_EQUAL(2 * kMiB, memory.keptBytes());
    borrow(onOther);
    onOther();
    CPPUNIT_ASSERT_EQUAL(2 * kMiB, memory.keptBytes());
  }

  void otherParametersTakeThePlaceOfThoseBefore() {
    HashMemory memory(kLong);
    hash(hasher(memory, kMiB));
    hash(hasher(memory, 2 * kMiB));
    const std::size_t kept = memory.keptBytes();
    CPPUNIT_ASSERT(kept >= 2 * kMiB && kept < 3 * kMiB);
  }

  void whatNoHashUsedIsLetGo() {
    HashMemory memory(std::chrono::nanoseconds{1});
    hash(hasher(memory));
    memory.releaseUnused();
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, memory.keptBytes());
  }

  void aPoolLetsGoOfItWhileNoTaskComes() {
    HashMemory memory(std::chrono::milliseconds{20});
    const Hasher hashes = hasher(memory);
    HashPool::Options options;
    options.threads = 1;
    options.memory = &memory;
    HashPool pool(options);
    std::promise<void> hashed;
    CPPUNIT_ASSERT(pool.tryRun(HashPool::Priority::kKnown, [&] {
      hash(hashes);
      hashed.set_value();
    }));
    hashed.get_future().wait();
    test::await("it is kept", [&] { return memory.keptBytes() == 0; });
  }

  void withoutALoanMappingsAreTheSystems() {
    HashMemory memory(kLong);
    hash(hasher(memory));
    const std::size_t kept = memory.keptBytes();
    const HashMemory::Loan none(nullptr);
    void* const base = map(kept);
    const auto* const bytes = static_cast<const char*>(base);
    CPPUNIT_ASSERT(std::all_of(bytes, bytes + kept, [](char byte) { return byte == 0; }));
    CPPUNIT_ASSERT_EQUAL(0, ::munmap(base, kept));
    CPPUNIT_ASSERT_EQUAL(kept, memory.keptBytes());
  }

  void withinALoanOnlyPrivateMemoryIsLent() {
    HashMemory memory(kLong);
    const HashMemory::Loan loan(&memory);
    for (void* const base : {map(kMiB, MAP_SHARED | MAP_ANONYMOUS),
                             map(kMiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK)}) {
      CPPUNIT_ASSERT_EQUAL(0, ::munmap(base, kMiB));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, memory.keptBytes());
    void* const lent = map(kMiB);
    void* const second = map(kMiB);  // while the first one is out
    CPPUNIT_ASSERT_EQUAL(0, ::munmap(second, kMiB));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, memory.keptBytes());
    CPPUNIT_ASSERT_EQUAL(0, ::munmap(lent, kMiB));
    CPPUNIT_ASSERT_EQUAL(kMiB, memory.keptBytes());
  }

  void theFirstHashOfAHasherIsNotKept() {
    HashMemory memory(kLong);
    const Hasher hashes = hasher(memory);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, memory.keptBytes());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(HashMemoryTest);

}  // namespace
}  // namespace mbr::passwords
