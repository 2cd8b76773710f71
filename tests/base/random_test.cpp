#include "base/random.h"

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <cstring>
#include <deque>
#include <set>
#include <string>

#include "support/seeded_random.h"

using namespace mbr;

namespace {

// Hands out given 32-bit words.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::deque<std::uint32_t> words) : words_(std::move(words)) {}
  void fill(void* bytes, std::size_t size) override {
    CPPUNIT_ASSERT_EQUAL(sizeof(std::uint32_t), size);
    CPPUNIT_ASSERT(!words_.empty());
    std::memcpy(bytes, &words_.front(), size);
    words_.pop_front();
  }
  std::size_t left() const { return words_.size(); }

 private:
  std::deque<std::uint32_t> words_;
};

class ConstantRandom final : public Random {
 public:
  explicit ConstantRandom(unsigned char byte) : byte_(byte) {}
  void fill(void* bytes, std::size_t size) override { std::memset(bytes, byte_, size); }

 private:
  unsigned char byte_;
};

}  // namespace

class RandomTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RandomTest);
  CPPUNIT_TEST(belowDrawsAgainWhereTheModuloWouldBeBiased);
  CPPUNIT_TEST(belowAPowerOfTwoNeverDrawsTwice);
  CPPUNIT_TEST(belowOneIsZero);
  CPPUNIT_TEST(belowReachesEveryValueAboutEquallyOften);
  CPPUNIT_TEST(unitIsNeverOne);
  CPPUNIT_TEST(theSystemsGeneratorDoesNotRepeat);
  CPPUNIT_TEST_SUITE_END();

  void belowDrawsAgainWhereTheModuloWouldBeBiased() {
    // 2^32 mod 80 = 16: the first 16 values would make 0..15 likelier.
    ScriptedRandom random({0, 15, 16, 95});
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{16}, random.below(80));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, random.left());
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{15}, random.below(80));
    ScriptedRandom last({0xFFFFFFFFU});
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{15}, last.below(80));
  }

  void belowAPowerOfTwoNeverDrawsTwice() {
    ScriptedRandom random({0, 0xFFFFFFFFU});
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, random.below(64));
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{63}, random.below(64));
  }

  void belowOneIsZero() {
    ScriptedRandom random({123});
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{0}, random.below(1));
  }

  void belowReachesEveryValueAboutEquallyOften() {
    test::SeededRandom random;
    std::array<int, 10> seen{};
    for (int i = 0; i < 10000; ++i) ++seen.at(random.below(10));
    for (const int count : seen) CPPUNIT_ASSERT(count > 850 && count < 1150);
  }

  void unitIsNeverOne() {
    ConstantRandom greatest(0xFF);
    ConstantRandom least(0);
    CPPUNIT_ASSERT(greatest.unit() < 1.0);
    CPPUNIT_ASSERT(greatest.unit() > 0.999999);
    CPPUNIT_ASSERT_EQUAL(0.0, least.unit());
  }

  void theSystemsGeneratorDoesNotRepeat() {
    SystemRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(random.bytes(16));
    CPPUNIT_ASSERT_EQUAL(std::size_t{100}, seen.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{16}, seen.begin()->size());
    CPPUNIT_ASSERT(random.bytes(0).empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RandomTest);
